/**
 * A promise about a figure, and whether it was kept.
 *
 * - `met`: the figure is within the bar, or beyond it by no more than two equal things are apart here.
 * - `missed`: it is not.
 * - `undecided`: a run that it stands on does not count, or two equal things were so far apart that nothing can be said.
 */
export type Outcome = 'met' | 'missed' | 'undecided';

/** A machine on which the CPU of equal things differs by more than this is not quiet enough to decide anything. */
export const maxCpuSpread = 0.1;

/** The same for latencies: the last percentile of equal runs is apart by more, on any machine. */
export const maxLatencySpread = 0.25;

export interface Bar {
  figure: number;
  /** The figure must be at most this, or with `atLeast` at least. */
  limit: number;
  atLeast?: boolean;
  /** What two equal things are apart; 0.04 is 4 %. */
  spread: number;
  /** Beyond which nothing is decided; that of CPU unless given. */
  maxSpread?: number;
  /** All runs behind the figure may be believed in this. */
  counts: boolean;
}

export function outcomeOf({
  figure,
  limit,
  atLeast = false,
  spread,
  maxSpread = maxCpuSpread,
  counts,
}: Bar): Outcome {
  if (!counts || !Number.isFinite(figure) || !(spread <= maxSpread)) return 'undecided';
  const kept = atLeast ? figure >= limit / (1 + spread) : figure <= limit * (1 + spread);
  return kept ? 'met' : 'missed';
}
