/**
 * What the charts show: the last minutes, a column for each second.
 */
/**
 * @typedef {import('./cluster.js').Picture} Picture
 * @typedef {import('./cluster.js').NodeView} NodeView
 * @typedef {'connections' | 'deliveries' | 'published' | 'cpu'} NodeMetric one line for each node
 * @typedef {'write' | 'lag'} QuantileMetric one line for each quantile of all nodes together
 * @typedef {{ names: string[], columns: (number | null)[][] }} Lines the first column are times in seconds
 * @typedef {{ at: number, nodes: Map<string, Record<NodeMetric, number | null>>, quantiles: Record<QuantileMetric, Record<string, number | null>> }} Moment
 */

/** A quarter of an hour. */
export const maxMoments = 900;
/** Colours that can be told apart; the nodes beyond share the last line. */
const maxLines = 8;

export class Timeline {
  /** @type {Moment[]} */
  #moments = [];
  /** Names of nodes in the order in which they came, so that each keeps its colour. @type {string[]} */
  #names = [];

  push(/** @type {Picture} */ { at, nodes, write, lag }) {
    /** @type {Moment['nodes']} */
    const byName = new Map();
    for (const view of nodes) {
      if (view.state === 'gone' || view.replaced) continue;
      byName.set(view.node, valuesOf(view));
      if (!this.#names.includes(view.node)) this.#names.push(view.node);
    }
    this.#moments.push({ at, nodes: byName, quantiles: { write, lag } });
    if (this.#moments.length > maxMoments) {
      this.#moments.shift();
      this.#names = this.#names.filter((name) => this.#moments.some((moment) => moment.nodes.has(name)));
    }
  }

  /** Which line is a node's; from 0. */
  lineOf(/** @type {string} */ node) {
    const line = this.#names.indexOf(node);
    return this.#names.length > maxLines ? Math.min(line, maxLines - 1) : line;
  }

  /**
   * @param {NodeMetric} metric
   * @param {number} seconds
   * @returns {Lines}
   */
  byNode(metric, seconds) {
    const moments = this.#last(seconds);
    // Another array each time: whoever draws compares it with the last one.
    const own = this.#names.slice(0, this.#names.length > maxLines ? maxLines - 1 : maxLines);
    const others = this.#names.slice(own.length);
    const columns = own.map((name) => moments.map(({ nodes }) => nodes.get(name)?.[metric] ?? null));
    const times = moments.map(({ at }) => at / 1_000);
    if (others.length === 0) return { names: own, columns: [times, ...columns] };
    const together = moments.map(({ nodes }) =>
      joined(
        metric,
        others.flatMap((name) => nodes.get(name)?.[metric] ?? []),
      ),
    );
    const name = metric === 'cpu' ? `busiest of ${others.length} others` : `${others.length} others`;
    return { names: [...own, name], columns: [times, ...columns, together] };
  }

  /**
   * @param {QuantileMetric} metric
   * @param {readonly string[]} names as `p99`
   * @param {number} seconds
   * @returns {Lines}
   */
  byQuantile(metric, names, seconds) {
    const moments = this.#last(seconds);
    return {
      names: [...names],
      columns: [
        moments.map(({ at }) => at / 1_000),
        ...names.map((name) => moments.map(({ quantiles }) => quantiles[metric][name] ?? null)),
      ],
    };
  }

  #last(/** @type {number} */ seconds) {
    const newest = this.#moments.at(-1)?.at ?? 0;
    return this.#moments.filter(({ at }) => at > newest - seconds * 1_000);
  }
}

/**
 * @param {NodeView} view
 * @returns {Record<NodeMetric, number | null>}
 */
function valuesOf({ state, report, rates, cpuPercent }) {
  // Of one that says nothing, nothing is known.
  if (state === 'silent') return { connections: null, deliveries: null, published: null, cpu: null };
  return {
    connections: report.gauges.connections,
    deliveries: rates?.deliveries ?? null,
    published: rates?.published ?? null,
    cpu: cpuPercent,
  };
}

/**
 * @param {NodeMetric} metric
 * @param {readonly number[]} values
 */
function joined(metric, values) {
  if (values.length === 0) return null;
  return metric === 'cpu' ? Math.max(...values) : values.reduce((sum, value) => sum + value, 0);
}
