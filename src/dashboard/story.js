/**
 * What happened, in sentences: told from one picture to the next.
 */

/**
 * @typedef {import('./cluster.js').Picture} Picture
 * @typedef {import('./cluster.js').NodeView} NodeView
 * @typedef {{ weight: 'good' | 'note' | 'wait' | 'bad', text: string }} Event
 */

/** A node that runs for longer has not just come. */
const newsForMs = 10_000;

/** @type {Readonly<Record<string, string>>} */
const words = { redis: 'Redis', history: 'the histories in Redis', start: 'its own start' };

/**
 * @param {Picture | null} before
 * @param {Picture} after
 * @returns {Event[]}
 */
export function eventsBetween(before, after) {
  if (before === null) return [];
  /** @type {Map<string, NodeView>} */
  const known = new Map(before.nodes.map((view) => [view.boot, view]));
  // What ended first: whoever is started anew takes the place of what was there.
  const inOrder = [...after.nodes].sort((a, b) => Number(known.has(b.boot)) - Number(known.has(a.boot)));
  return inOrder.flatMap((view) => {
    const earlier = known.get(view.boot);
    return earlier === undefined ? arrival(view, before) : changes(earlier, view);
  });
}

/**
 * @param {NodeView} view
 * @param {Picture} before
 * @returns {Event[]}
 */
function arrival({ node, report }, { nodes }) {
  // It was there before this page was, and is only heard now.
  if (nodes.length === 0 || report.uptimeMs > newsForMs) return [];
  const again = nodes.some((other) => other.node === node);
  const what = again ? 'is back, started anew' : 'is here';
  return [{ weight: 'good', text: `${node} ${what} (${report.runtime}, version ${report.version})` }];
}

/**
 * @param {NodeView} before
 * @param {NodeView} after
 * @returns {Event[]}
 */
function changes(before, after) {
  const { node } = after;
  /** @type {Event[]} */
  const events = [];
  if (before.state !== after.state) events.push(stateChange(before, after));
  if (before.report.bridge === true && after.report.bridge === false)
    events.push({ weight: 'bad', text: `${node} does not reach the other nodes` });
  if (before.report.bridge === false && after.report.bridge === true)
    events.push({ weight: 'good', text: `${node} reaches the other nodes again` });
  /** @type {(name: string, one: string, many: string, weight: Event['weight']) => void} */
  const count = (name, one, many, weight) => {
    const more = (after.report.counters[name] ?? 0) - (before.report.counters[name] ?? 0);
    if (more > 0) events.push({ weight, text: `${node}: ${more === 1 ? one : `${more} ${many}`}` });
  };
  count(
    'framesMissed',
    'a frame of another node never arrived',
    'frames of other nodes never arrived',
    'bad',
  );
  count('gaps', 'a channel was told of a possible gap', 'channels were told of a possible gap', 'wait');
  count(
    'dropped',
    'a publication did not get to the others',
    'publications did not get to the others',
    'bad',
  );
  count('slow', 'a client that did not read was ended', 'clients that did not read were ended', 'wait');
  count(
    'recovered',
    'a client got all that it had missed',
    'channels were brought up to date for clients',
    'good',
  );
  count(
    'notRecovered',
    'a client was told that it cannot have what it missed',
    'clients were told that they cannot have what they missed',
    'wait',
  );
  count('handlerErrors', 'an internal error; its log says more', 'internal errors; its log says more', 'bad');
  return events;
}

/**
 * @param {NodeView} before
 * @param {NodeView} after
 * @returns {Event}
 */
function stateChange(before, { node, state, report }) {
  // Without a window all are closed before the next report.
  const left = Math.max(report.gauges.connections, before.report.gauges.connections);
  switch (state) {
    case 'ready':
      return {
        weight: 'good',
        text: before.state === 'silent' ? `${node} is heard again` : `${node} is ready`,
      };
    case 'waiting':
      return {
        weight: 'bad',
        text: `${node} is not ready: it waits for ${report.lacking.map((need) => words[need] ?? need).join(' and ')}`,
      };
    case 'stopping':
      return { weight: 'wait', text: `${node} is draining: ${left} clients are told to come back elsewhere` };
    case 'silent':
      return { weight: 'bad', text: `${node} says nothing` };
    case 'gone':
      return before.report.state === 'stopping'
        ? { weight: 'note', text: `${node} has ended, as it said` }
        : { weight: 'bad', text: `${node} is gone without a word; it had ${left} clients` };
  }
}
