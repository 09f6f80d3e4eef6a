/**
 * Quantiles of what nodes have counted in buckets.
 */

/** @typedef {{ bounds: readonly number[], counts: readonly number[] }} Distribution upper bounds in seconds; one count more, for what is above all */

/**
 * What came between two reports of one node.
 *
 * @param {Distribution} later
 * @param {Distribution | undefined} earlier
 * @returns {Distribution}
 */
export function between(later, earlier) {
  return {
    bounds: later.bounds,
    counts: later.counts.map((count, i) => Math.max(0, count - (earlier?.counts[i] ?? 0))),
  };
}

/**
 * Those of many nodes as one. Nodes of another version may have other bounds; they are left out.
 *
 * @param {readonly Distribution[]} all
 * @returns {Distribution}
 */
export function together(all) {
  const bounds = all[0]?.bounds ?? [];
  const counts = new Array(bounds.length + 1).fill(0);
  for (const each of all)
    if (each.bounds.length === bounds.length && each.bounds.every((bound, i) => bound === bounds[i]))
      each.counts.forEach((count, i) => {
        counts[i] += count;
      });
  return { bounds, counts };
}

/**
 * In milliseconds, evenly spread within a bucket as Prometheus has it; null if nothing was counted. What is above the last
 * bound counts as that bound.
 *
 * @param {Distribution} distribution
 * @param {number} share from 0 to 1
 * @returns {number | null}
 */
export function quantile({ bounds, counts }, share) {
  const total = counts.reduce((sum, count) => sum + count, 0);
  if (total === 0) return null;
  let below = 0;
  for (const [i, bound] of bounds.entries()) {
    const count = counts[i] ?? 0;
    if (count > 0 && below + count >= total * share) {
      const from = bounds[i - 1] ?? 0;
      return (from + ((bound - from) * (total * share - below)) / count) * 1_000;
    }
    below += count;
  }
  return (bounds.at(-1) ?? 0) * 1_000;
}
