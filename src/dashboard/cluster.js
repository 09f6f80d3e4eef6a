/**
 * What is known of the nodes, from what they report: rates between two reports of one boot, and all of them as one.
 *
 * No document and no clock of its own, so that it can be tested with a list of reports.
 */
import { between, quantile, together } from './quantile.js';

/**
 * @typedef {import('./quantile.js').Distribution} Distribution
 * @typedef {{ channel: string, publications: number, subscribers: number }} BusyChannel
 * @typedef {object} Report what a node says each second, as in src/status-report.ts
 * @property {string} node
 * @property {string} boot
 * @property {string} version
 * @property {string} runtime
 * @property {number} time
 * @property {number} uptimeMs
 * @property {'waiting' | 'ready' | 'stopping'} state
 * @property {readonly string[]} lacking
 * @property {boolean | null} bridge
 * @property {Readonly<Record<'connections' | 'subscriptions' | 'channels' | 'viewers', number>>} gauges
 * @property {number} residentBytes
 * @property {Readonly<Record<string, number>>} counters
 * @property {Distribution} publishToWrite
 * @property {Distribution} bridgeLag
 * @property {Distribution} loopDelay
 * @property {{ readonly overMs: number, readonly channels: readonly BusyChannel[] }} busiest
 *
 * @typedef {'ready' | 'waiting' | 'stopping' | 'silent' | 'gone'} State
 *
 * @typedef {object} NodeView
 * @property {string} node
 * @property {string} boot
 * @property {State} state
 * @property {boolean} replaced another one of its name has come since
 * @property {Report} report the last one
 * @property {Record<string, number> | null} rates per second, by counter; null before there were two reports
 * @property {Distribution} publishToWrite between the last two reports
 * @property {Distribution} bridgeLag
 * @property {Distribution} loopDelay
 * @property {number | null} cpuPercent of one core
 *
 * @typedef {object} ChannelView
 * @property {string} channel
 * @property {number} rate publications per second, on the node that heard most
 * @property {number} deliveries per second, on all nodes
 * @property {number} subscribers
 *
 * @typedef {object} Picture
 * @property {number} at
 * @property {NodeView[]} nodes those that live first, by name
 * @property {Record<string, number>} sums gauges of all nodes that live
 * @property {Record<string, number> | null} rates of all nodes that live
 * @property {Record<'p50' | 'p95' | 'p99', number | null>} write milliseconds
 * @property {Record<'p50' | 'p99', number | null>} lag milliseconds
 * @property {ChannelView[]} channels
 */

/** A node that says nothing for this long is silent: three reports. */
const silentAfterMs = 3_500;
/** And for this long it is gone, even if it never said that it stops. */
const goneAfterMs = 15_000;
/** Of two with one name the one that was heard last is the one, unless both go on speaking. */
const replacedAfterMs = 2_500;
/** It is shown for so long after that, as what it was. */
const forgottenAfterMs = 120_000;
/** More boots than a cluster has nodes, in the time that they are remembered. */
const maxNodes = 1_000;

const shownChannels = 20;

/** @typedef {{ report: Report, heardAt: number, before: Report | null, beforeAt: number }} Known */

export class Cluster {
  /** @type {Map<string, Known>} by boot */
  #nodes = new Map();

  /**
   * @param {Report} report
   * @param {number} now milliseconds, by whatever clock
   */
  take(report, now) {
    const known = this.#nodes.get(report.boot);
    if (known === undefined && this.#nodes.size >= maxNodes) return;
    this.#nodes.set(report.boot, {
      report,
      heardAt: now,
      before: known?.report ?? null,
      beforeAt: known?.heardAt ?? now,
    });
  }

  /** The connection was lost, so silence means nothing: everybody is heard from now on. */
  excuse(/** @type {number} */ now) {
    for (const known of this.#nodes.values()) known.heardAt = now;
  }

  /**
   * @param {number} now
   * @returns {Picture}
   */
  picture(now) {
    for (const [boot, { heardAt }] of this.#nodes)
      if (now - heardAt > forgottenAfterMs) this.#nodes.delete(boot);
    /** @type {Map<string, number>} */
    const lastHeard = new Map();
    for (const { report, heardAt } of this.#nodes.values())
      lastHeard.set(report.node, Math.max(heardAt, lastHeard.get(report.node) ?? 0));
    const nodes = [...this.#nodes.values()]
      .map((known) =>
        viewOf(known, now, (lastHeard.get(known.report.node) ?? 0) - known.heardAt > replacedAfterMs),
      )
      .sort(byStateThenName);
    const living = nodes.filter(({ state }) => state !== 'gone');
    const heard = living.filter(({ state }) => state !== 'silent');
    const write = together(heard.map(({ publishToWrite }) => publishToWrite));
    const lag = together(heard.map(({ bridgeLag }) => bridgeLag));
    const rates = heard.flatMap((view) => (view.rates === null ? [] : [view.rates]));
    return {
      at: now,
      nodes,
      sums: addUp(living.map(({ report }) => report.gauges)),
      rates: rates.length === 0 ? null : addUp(rates),
      write: { p50: quantile(write, 0.5), p95: quantile(write, 0.95), p99: quantile(write, 0.99) },
      lag: { p50: quantile(lag, 0.5), p99: quantile(lag, 0.99) },
      channels: busiest(heard.map(({ report }) => report.busiest)),
    };
  }
}

/**
 * @param {Known} known
 * @param {number} now
 * @param {boolean} replaced
 * @returns {NodeView}
 */
function viewOf({ report, heardAt, before }, now, replaced) {
  const silentMs = now - heardAt;
  const seconds = before === null ? 0 : (report.uptimeMs - before.uptimeMs) / 1_000;
  const rates = seconds > 0 ? perSecond(report.counters, before?.counters ?? {}, seconds) : null;
  return {
    node: report.node,
    boot: report.boot,
    state: replaced ? 'gone' : stateOf(report, silentMs),
    replaced,
    report,
    rates,
    publishToWrite: between(report.publishToWrite, before?.publishToWrite),
    bridgeLag: between(report.bridgeLag, before?.bridgeLag),
    loopDelay: between(report.loopDelay, before?.loopDelay),
    cpuPercent: rates === null ? null : (rates.cpuMs ?? 0) / 10,
  };
}

/**
 * @param {Report} report
 * @param {number} silentMs
 * @returns {State}
 */
function stateOf({ state }, silentMs) {
  // Who says that it stops and then nothing has stopped.
  if (silentMs > (state === 'stopping' ? silentAfterMs : goneAfterMs)) return 'gone';
  return silentMs > silentAfterMs ? 'silent' : state;
}

/**
 * @param {Record<string, number>} later
 * @param {Record<string, number>} earlier
 * @param {number} seconds
 */
function perSecond(later, earlier, seconds) {
  return Object.fromEntries(
    Object.entries(later).map(([name, value]) => [name, Math.max(0, value - (earlier[name] ?? 0)) / seconds]),
  );
}

/** @param {readonly Record<string, number>[]} all */
function addUp(all) {
  /** @type {Record<string, number>} */
  const sums = {};
  for (const each of all)
    for (const [name, value] of Object.entries(each)) sums[name] = (sums[name] ?? 0) + value;
  return sums;
}

/**
 * Every node with subscribers hears every publication of a channel, so rates are compared and deliveries added. A node tells of its
 * busiest channels only: what it does not tell of is less than the least of what it does.
 *
 * @param {readonly Report['busiest'][]} told
 * @returns {ChannelView[]}
 */
function busiest(told) {
  /** @type {Map<string, ChannelView>} */
  const channels = new Map();
  for (const { overMs, channels: each } of told)
    for (const { channel, publications, subscribers } of each) {
      const rate = overMs > 0 ? publications / (overMs / 1_000) : 0;
      const view = channels.get(channel) ?? { channel, rate: 0, deliveries: 0, subscribers: 0 };
      channels.set(channel, {
        channel,
        rate: Math.max(view.rate, rate),
        deliveries: view.deliveries + rate * subscribers,
        subscribers: view.subscribers + subscribers,
      });
    }
  return [...channels.values()].sort((a, b) => b.rate - a.rate).slice(0, shownChannels);
}

/**
 * @param {NodeView} a
 * @param {NodeView} b
 */
function byStateThenName(a, b) {
  const [goneA, goneB] = [a.state === 'gone' ? 1 : 0, b.state === 'gone' ? 1 : 0];
  return goneA - goneB || a.node.localeCompare(b.node, 'en', { numeric: true }) || (a.boot < b.boot ? -1 : 1);
}
