/**
 * Whether a figure may be believed, and for what.
 *
 * A generator that was late, or that had no time left to read, measures itself. So latency counts only while it kept its
 * schedule, and deliveries count only when every one of them is accounted for.
 */
import type { Counts } from './tally.ts';

/** A schedule that was kept this well does not show in a latency of some milliseconds. */
const maxScheduleLagMs = 2;
/** A receiver process this busy may be what everybody waits for. */
const maxReceiverShare = 0.9;

export interface Evidence {
  counts: Counts;
  expected: number;
  scheduleLagP99Ms: number;
  /** CPU seconds per second of the busiest receiver process. */
  receiverShare: number;
}

export interface Verdict {
  /** Every record arrived once, whole and in order. */
  accounted: boolean;
  /** The latency is the server's, not the generator's. */
  latencyCounts: boolean;
  /** Why not, in words; empty if everything counts. */
  reservations: string[];
}

export function judge({ counts, expected, scheduleLagP99Ms, receiverShare }: Evidence): Verdict {
  const flaws = Object.entries({
    lost: counts.lost,
    duplicated: counts.duplicates,
    reordered: counts.reordered,
    corrupted: counts.corrupted,
  })
    .filter(([, count]) => count > 0)
    .map(([what, count]) => `${count} of ${expected} ${what}`);
  if (counts.overflowed) flaws.push('too many holes to account for');
  const late = scheduleLagP99Ms > maxScheduleLagMs;
  const busy = receiverShare > maxReceiverShare;
  const bounds: string[] = [];
  if (late) bounds.push(`generator-bound: its schedule lag p99 was ${scheduleLagP99Ms.toFixed(1)} ms`);
  if (busy)
    bounds.push(`generator-bound: a receiver process used ${Math.round(receiverShare * 100)} % of a core`);
  return {
    accounted: flaws.length === 0,
    latencyCounts: flaws.length === 0 && !late && !busy,
    reservations: [...flaws, ...bounds],
  };
}
