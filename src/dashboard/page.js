/**
 * The page: reads what nodes report from the feed and shows it, once a second.
 */
import { access, leave, showKey } from './access.js';
import { Charts } from './charts.js';
import { Cluster } from './cluster.js';
import * as figures from './figures.js';
import { KeyedRows } from './keyed-rows.js';
import { connect } from './outcry.js';
import { quantile } from './quantile.js';
import { eventsBetween } from './story.js';
import { Timeline } from './timeline.js';

const statusChannel = '$outcry:status';
/** Sentences that are kept on the page. */
const maxEvents = 200;

/** A part of the page that must be there. */
const part = (selector) => document.querySelector(selector);

const body = document.body;
const cluster = new Cluster();
const timeline = new Timeline();
const charts = new Charts([...document.querySelectorAll('[data-metric]')], timeline);
const nodeRows = new KeyedRows(part('#nodes tbody'));
const channelRows = new KeyedRows(part('#channels tbody'));
const shown = { window: 300, paused: false };
/** @type {import('./cluster.js').Picture | null} */
let picture = null;
let client = null;
/** Counters of each boot when it was first seen, so that the tiles count from the opening of this page. */
const firstCounters = new Map();
/** Totals of what has ended meanwhile are kept: by boot, the last counters. */
const lastCounters = new Map();
const openedAt = Date.now();

function watch() {
  client?.close();
  setState('connecting', 'Connecting');
  client = connect('dashboard/feed', { name: 'dashboard' });
  const feed = client.subscribe(statusChannel);
  feed.on('publication', ({ data }) => take(data));
  feed.on('gap', () => cluster.excuse(Date.now()));
  feed.on('error', () => {});
  client.on('error', () => {});
  client.on('connected', ({ node }) => {
    cluster.excuse(Date.now());
    setState('live', `Live from ${node}`);
  });
  client.on('disconnected', ({ retryInMs }) => {
    setState(
      'away',
      `No connection to this node; trying again in ${Math.ceil(retryInMs / 1_000)} s. What you see is from ${timeOfDay(picture?.at ?? Date.now())}`,
    );
    // The pass may have expired, or the key may be another one: no other answer says so.
    void access()
      .then(({ open }) => open || lock())
      .catch(() => {});
  });
}

function take(report) {
  // A node of another version may say less.
  if (typeof report?.boot !== 'string' || typeof report.node !== 'string' || !report.counters) return;
  if (!firstCounters.has(report.boot))
    firstCounters.set(report.boot, picture === null ? report.counters : {});
  lastCounters.set(report.boot, report.counters);
  cluster.take(report, Date.now());
}

function tick() {
  if (body.dataset.state !== 'live') return;
  const next = cluster.picture(Date.now());
  if (next.nodes.length === 0) return;
  tell(eventsBetween(picture, next), next.at);
  picture = next;
  timeline.push(next);
  if (!shown.paused) show();
}

function show() {
  if (picture === null) return;
  showTiles(picture);
  nodeRows.show(picture.nodes.filter(({ replaced }) => !replaced).map(nodeRow));
  channelRows.show(picture.channels.map(channelRow));
  part('#no-channels').hidden = picture.channels.length > 0;
  charts.draw(shown.window);
}

function nodeRow({ boot, node, state, report, rates, publishToWrite, bridgeLag, loopDelay, cpuPercent }) {
  const isKnown = state !== 'gone' && state !== 'silent';
  const now = (text) => (isKnown ? text : '–');
  const { counters } = report;
  return {
    key: boot,
    data: { state },
    colour: `--line-${(timeline.lineOf(node) % 8) + 1}`,
    cells: [
      node,
      stateWord(state, report),
      now(figures.count(report.gauges.connections)),
      now(figures.rate(rates?.published)),
      now(figures.rate(rates?.deliveries)),
      now(figures.milliseconds(quantile(publishToWrite, 0.99))),
      now(figures.milliseconds(quantile(bridgeLag, 0.99))),
      now(figures.milliseconds(quantile(loopDelay, 0.99))),
      now(figures.percent(cpuPercent)),
      now(figures.bytes(report.residentBytes)),
      figures.count(counters.gaps ?? 0),
      figures.count(counters.dropped ?? 0),
      figures.count(counters.slow ?? 0),
      now(figures.duration(report.uptimeMs)),
      `${report.version} on ${report.runtime}`,
    ],
  };
}

/** By `outcry_drain_phase`. */
const drainWords = { 1: 'draining, still open', 2: 'draining', 3: 'ending' };

function stateWord(state, { lacking, bridge, drainPhase }) {
  if (state === 'waiting') return `waits for ${lacking.join(', ')}`;
  if (state === 'stopping') return drainWords[drainPhase] ?? 'draining';
  return state === 'ready' && bridge === null ? 'ready, alone' : state;
}

function channelRow({ channel, rate, subscribers, deliveries }) {
  return {
    key: channel,
    cells: [channel, figures.rate(rate), figures.count(subscribers), figures.rate(deliveries)],
  };
}

function showTiles({ nodes, sums, rates, write, lag }) {
  const living = nodes.filter(({ state, replaced }) => state !== 'gone' && !replaced);
  const ready = living.filter(({ state }) => state === 'ready').length;
  tile(
    'nodes',
    figures.count(living.length),
    nodesDetail(living, ready),
    ready < living.length ? 'wait' : 'good',
  );
  tile(
    'connections',
    figures.count(sums.connections ?? 0),
    `in ${figures.count(sums.subscriptions ?? 0)} subscriptions`,
  );
  tile('published', figures.rate(rates?.published), 'by clients and the API');
  tile(
    'deliveries',
    figures.rate(rates?.deliveries),
    rates === null ? '' : `${figures.bytes(rates.deliveredBytes ?? 0)}/s`,
  );
  tile(
    'write',
    figures.milliseconds(write.p99),
    write.p50 === null ? 'nothing was published' : `p50 ${figures.milliseconds(write.p50)}`,
  );
  tile(
    'lag',
    figures.milliseconds(lag.p99),
    lag.p50 === null ? 'nothing came from others' : `p50 ${figures.milliseconds(lag.p50)}`,
  );
  const since = `since ${timeOfDay(openedAt)}`;
  const [gaps, dropped] = [sinceOpened('gaps') + sinceOpened('framesMissed'), sinceOpened('dropped')];
  tile('gaps', figures.count(gaps), since, gaps > 0 ? 'wait' : 'good');
  tile('dropped', figures.count(dropped), since, dropped > 0 ? 'bad' : 'good');
}

function nodesDetail(living, ready) {
  const words = { stopping: 'draining', waiting: 'not ready', silent: 'silent' };
  const others = Object.entries(words).flatMap(([state, word]) => {
    const count = living.filter((view) => view.state === state).length;
    return count > 0 ? [`${count} ${word}`] : [];
  });
  return [others.length === 0 ? 'all ready' : `${ready} ready`, ...others].join(', ');
}

function sinceOpened(counter) {
  let sum = 0;
  for (const [boot, counters] of lastCounters)
    sum += (counters[counter] ?? 0) - (firstCounters.get(boot)?.[counter] ?? 0);
  return sum;
}

function tile(name, value, detail = '', weight = '') {
  const place = part(`[data-tile=${name}]`);
  const [figure, small] = place.querySelectorAll('dd');
  figure.textContent = value;
  small.textContent = detail;
  place.dataset.weight = weight;
}

function tell(events, at) {
  const list = part('#story');
  for (const { weight, text } of events) {
    const item = document.createElement('li');
    item.dataset.weight = weight;
    const time = document.createElement('time');
    time.textContent = timeOfDay(at);
    item.append(time, ` ${text}`);
    list.prepend(item);
  }
  while (list.children.length > maxEvents) list.lastElementChild.remove();
}

function setState(state, sentence) {
  body.dataset.state = state;
  part('#state').textContent = sentence;
}

function lock() {
  client?.close();
  client = null;
  setState('locked', 'Locked');
  part('#lock').hidden = false;
  part('#main').hidden = true;
  part('#leave').hidden = true;
  part('#key').focus();
}

function unlock(needsKey) {
  part('#lock').hidden = true;
  part('#main').hidden = false;
  part('#leave').hidden = !needsKey;
  watch();
}

function timeOfDay(ms) {
  return new Date(ms).toLocaleTimeString('en-GB');
}

function setTheme(theme) {
  document.documentElement.dataset.theme = theme;
  charts.repaint();
}

part('#lock').addEventListener('submit', async (event) => {
  event.preventDefault();
  const field = part('#key');
  const opened = await showKey(field.value).catch(() => null);
  field.value = '';
  part('#wrong').textContent =
    opened === null ? 'The node does not answer.' : opened ? '' : 'That is not the key.';
  if (opened) unlock(true);
  else field.focus();
});

part('#leave').addEventListener('click', async () => {
  await leave();
  lock();
});

part('#pause').addEventListener('click', ({ currentTarget }) => {
  shown.paused = !shown.paused;
  currentTarget.setAttribute('aria-pressed', String(shown.paused));
  currentTarget.textContent = shown.paused ? 'Go on' : 'Pause';
  if (!shown.paused) show();
});

part('#window').addEventListener('change', ({ currentTarget }) => {
  shown.window = Number(currentTarget.value);
  show();
});

part('#theme').addEventListener('change', ({ currentTarget }) => {
  localStorage.setItem('outcry-theme', currentTarget.value);
  setTheme(currentTarget.value);
});

const theme = localStorage.getItem('outcry-theme') ?? 'auto';
part('#theme').value = theme;
setTheme(theme);
matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => charts.repaint());
setInterval(tick, 1_000);
const { open, needsKey } = await access();
if (open) unlock(needsKey);
else lock();
