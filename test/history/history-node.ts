/**
 * A history over a real Redis as one node has it: connections of its own, and what it was handed.
 */
import { randomBytes } from 'node:crypto';
import { expect, onTestFinished } from 'vitest';
import { RedisConnection } from '../../src/bridge/redis-connection.ts';
import type { Position, Retention, SequencedBatch } from '../../src/channel/position.ts';
import { Publication } from '../../src/channel/publication.ts';
import { systemClock } from '../../src/clock.ts';
import { recover, type WhyNot } from '../../src/history/recovery.ts';
import { appendScript } from '../../src/history/redis-append-script.ts';
import { RedisHistory } from '../../src/history/redis-history.ts';
import type { RedisLink } from '../../src/history/redis-link.ts';
import { Metrics } from '../../src/metrics/metrics.ts';
import { until } from '../support/until.ts';
import { confirmed, slice } from './history.suite.ts';

export const shards = 4;

export interface HistoryNodeOptions {
  /** Where the master is; asked at each dial. */
  port: number;
  bootId?: string;
  retention?: (channel: string) => Retention;
  receive?: (channel: string, batch: SequencedBatch) => void;
  commandTimeoutMs?: number;
  maxBytesInFlight?: number;
  password?: string;
  inCluster?: boolean;
  /** Puts something between the history and its connection. */
  between?: (link: RedisLink) => RedisLink;
}

export class HistoryNode {
  readonly history: RedisHistory;
  readonly metrics = new Metrics().history;
  /** Texts by channel, in the order in which they came. */
  readonly heard = new Map<string, string[]>();
  readonly troubles: string[] = [];
  /** Shards of which it heard that a new generation has begun. */
  readonly generations: number[] = [];
  /** How often it has got a connection. */
  connects = 0;
  readonly #link: RedisLink;
  readonly #subscriber: RedisConnection;

  private constructor({
    port,
    bootId = randomBytes(8).toString('hex'),
    retention = () => ({ size: 1_000, ttlMs: 60_000 }),
    receive = () => {},
    commandTimeoutMs = 2_000,
    maxBytesInFlight = 1e8,
    password,
    inCluster = false,
    between = (link) => link,
  }: HistoryNodeOptions) {
    const common = {
      address: {
        hosts: [{ host: '127.0.0.1', port }],
        sentinelMaster: null,
        username: null,
        password: password ?? null,
        database: 0,
        tls: false,
      },
      ca: null,
      commandTimeoutMs,
      inCluster,
      onError() {},
    };
    this.history = new RedisHistory({
      inCluster,
      prefix: 'outcry',
      shards,
      bootId,
      retention,
      commandTimeoutMs,
      maxBytesInFlight,
      batch: { maxDelayMs: 2, maxBytes: 65_536, maxItems: 1_024 },
      clock: systemClock,
      metrics: this.metrics,
      onGeneration: (shard) => void this.generations.push(shard),
      onTrouble: (reason) => void this.troubles.push(reason),
    });
    this.history.start((channel, batch) => {
      receive(channel, batch);
      const texts = batch.publications.map(({ text }) => text);
      this.heard.set(channel, [...(this.heard.get(channel) ?? []), ...texts]);
    });
    const all = Array.from({ length: shards }, (_, shard) => shard);
    this.#link = this.history.connect(all, ({ onReady, onLost }) =>
      between(
        new RedisConnection({
          ...common,
          name: 'history',
          onReady: () => {
            this.connects += 1;
            onReady();
          },
          onLost,
          onMessage() {},
        }),
      ),
    );
    const channels = all.map((shard) => this.history.pubsubChannel(shard));
    this.#subscriber = new RedisConnection({
      ...common,
      name: 'listener',
      onReady: () => void this.#subscriber.subscribe(channels).then(() => (this.#listening = true)),
      onLost: () => (this.#listening = false),
      onMessage: (channel, bytes) => this.history.frame(channels.indexOf(channel), bytes),
    });
  }

  #listening = false;

  static async start(options: HistoryNodeOptions): Promise<HistoryNode> {
    const node = HistoryNode.planned(options);
    await node.ready();
    return node;
  }

  /** One that may never become ready. */
  static planned(options: HistoryNodeOptions): HistoryNode {
    const node = new HistoryNode(options);
    onTestFinished(() => node.stop());
    return node;
  }

  async ready(): Promise<void> {
    await until(
      () => this.history.ready && this.#listening,
      (ready) => ready,
      { what: 'the history being ready' },
    );
  }

  async away(): Promise<void> {
    await until(
      () => this.history.ready,
      (ready) => !ready,
      { what: 'the history being away' },
    );
  }

  /** Loses its connection, by itself or by `cause`, and is ready again. Counted: it may be away for less time than it takes to look twice. */
  async reconnects(cause = () => this.#link.reconnect()): Promise<void> {
    const { connects } = this;
    cause();
    await until(
      () => this.connects,
      (now) => now > connects,
      { what: 'another connection' },
    );
    await this.ready();
  }

  async append(channel: string, ...texts: (string | number)[]): Promise<Position> {
    return confirmed(await this.publish(channel, ...texts));
  }

  publish(channel: string, ...texts: (string | number)[]) {
    return this.history.append(
      channel,
      texts.map((text) => Publication.text(String(text), 0)),
    );
  }

  /** The texts of all that is kept. */
  async kept(channel: string): Promise<string[]> {
    return slice(await this.history.last(channel, 10_000)).publications.map(({ text }) => text);
  }

  /** What somebody is told who had everything up to `since` and is back. */
  async comeBack(channel: string, since: Position): Promise<string[] | WhyNot> {
    const recovery = recover(since, [slice(await this.history.read(channel, since, 10_000))], []);
    return recovery.recovered ? recovery.publications.map(({ text }) => text) : recovery.whyNot;
  }

  async hears(channel: string, texts: readonly string[]): Promise<void> {
    await until(
      () => this.heard.get(channel) ?? [],
      (heard) => heard.length >= texts.length,
      { what: `hearing ${texts.length} publications` },
    );
    expect(this.heard.get(channel)).toEqual(texts);
  }

  async stop(): Promise<void> {
    await this.history.stop();
    this.#subscriber.end();
  }
}

/** For `between`: appends to the history what no node hears. */
export function unheard(link: RedisLink): RedisLink {
  return {
    get ready() {
      return link.ready;
    },
    get bytesInFlight() {
      return link.bytesInFlight;
    },
    reconnect: () => link.reconnect(),
    end: () => link.end(),
    run: (script, keys, args) =>
      link.run(script, script === appendScript ? keys.with(-1, 'nowhere') : keys, args),
  };
}
