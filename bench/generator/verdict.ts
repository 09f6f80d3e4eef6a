/**
 * Whether a figure may be believed, and for what.
 *
 * A generator that was late, or that had no time left to read, measures itself. So latency counts only while it kept its
 * schedule, and CPU counts only when every delivery is accounted for. A server that cannot keep up is neither: what it
 * did deliver within its CPU time still tells how much it can.
 */
import type { Counts } from './tally.ts';

/** A schedule that was kept this well does not show in a latency of some milliseconds. */
const maxScheduleLagMs = 2;
/** A receiver process this busy may be what everybody waits for. */
const maxReceiverShare = 0.9;
/** A worker that stood still for longer is to be seen in the last percentile of a run of some seconds. */
const maxStallMs = 50;

/**
 * - `ok`: everything counts.
 * - `generator-bound`: every delivery is accounted for, but the latency may be the generator's: CPU counts, latency not.
 * - `behind`: the server could not keep up; deliveries per CPU second count, nothing else.
 * - `invalid`: records were lost, came twice, in the wrong order or damaged, or a subscriber was cut off.
 */
export type Status = 'ok' | 'generator-bound' | 'behind' | 'invalid';

export interface Evidence {
  counts: Counts;
  expected: number;
  /** Deliveries still came when the generator stopped waiting. */
  stillComing: boolean;
  /** Subscribers whose connection ended. */
  closed: number;
  scheduleLagP99Ms: number;
  /** CPU seconds per second of the busiest receiver process. */
  receiverShare: number;
  /** The longest time for which a worker stood still. */
  longestStallMs: number;
}

export interface Verdict {
  status: Status;
  /** Why not `ok`, in words; empty if it is. */
  reservations: string[];
}

export function judge(evidence: Evidence): Verdict {
  const flaws = flawsOf(evidence);
  const bounds = boundsOf(evidence);
  const { counts, expected, stillComing } = evidence;
  const late = stillComing ? [`behind: ${counts.tail} of ${expected} were still on their way`] : [];
  return {
    status: statusOf(flaws.length > 0, stillComing, bounds.length > 0),
    reservations: [...flaws, ...late, ...bounds],
  };
}

/** The worst of several, for a row that stands for many runs. */
export function worst(all: readonly Status[]): Status {
  const order: readonly Status[] = ['invalid', 'behind', 'generator-bound'];
  return order.find((status) => all.includes(status)) ?? 'ok';
}

function statusOf(flawed: boolean, behind: boolean, bound: boolean): Status {
  if (flawed) return 'invalid';
  if (behind) return 'behind';
  return bound ? 'generator-bound' : 'ok';
}

function flawsOf({ counts, expected, closed, stillComing }: Evidence): string[] {
  const flaws = Object.entries({
    lost: counts.gaps + (stillComing ? 0 : counts.tail),
    duplicated: counts.duplicates,
    reordered: counts.reordered,
    corrupted: counts.corrupted,
    'dated before they were due': counts.early,
  })
    .filter(([, count]) => count > 0)
    .map(([what, count]) => `${count} of ${expected} ${what}`);
  if (closed > 0) flaws.push(`${closed} subscribers were cut off`);
  if (counts.overflowed) flaws.push('too many holes to account for');
  return flaws;
}

function boundsOf({ scheduleLagP99Ms, receiverShare, longestStallMs }: Evidence): string[] {
  const bounds: string[] = [];
  if (scheduleLagP99Ms > maxScheduleLagMs)
    bounds.push(`its schedule lag p99 was ${scheduleLagP99Ms.toFixed(1)} ms`);
  if (receiverShare > maxReceiverShare)
    bounds.push(`a receiver process used ${Math.round(receiverShare * 100)} % of a core`);
  if (longestStallMs > maxStallMs) bounds.push(`a worker stood still for ${Math.round(longestStallMs)} ms`);
  return bounds.map((bound) => `generator-bound: ${bound}`);
}
