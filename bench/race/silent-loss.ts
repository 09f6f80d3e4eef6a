/**
 * What is missing without a word: in a stream whose connection stayed open and that was told of no gap. Whoever is cut off,
 * or told, can read again from the source; whoever is not goes on with a hole.
 */
import type { Counts } from '../generator/tally.ts';
import type { PausedReader } from './standing.ts';

/** Of a turn. */
export function silentlyLostIn(
  { gaps, tail }: Pick<Counts, 'gaps' | 'tail'>,
  { stillComing, closed }: { stillComing: boolean; closed: number },
): number {
  // The end of a stream may be on its way, or belong to one that was cut off. A hole in the middle is counted in any case:
  // what follows it has come, and a node that is alone has no gap to tell of.
  const isEndMissing = !stillComing && closed === 0;
  return gaps + (isEndMissing ? tail : 0);
}

export function silentlyLostBy({ lost, cutOff, told }: PausedReader): number {
  return cutOff || told ? 0 : lost;
}
