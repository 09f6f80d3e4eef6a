/**
 * How late the event loop is. A loop that is late is late for everybody: for reads, for pings, for the flush that is due.
 */
import type { Clock, Timer } from '../clock.ts';
import type { Histogram } from './counter.ts';

/** Often enough to see a loop that stands; ten times a second would cost an idle node more than all else that it does. */
const periodMs = 500;

/** Measures until it is cancelled. A process that stood still is counted once, with all of the time. */
export function watchLoopDelay(clock: Clock, delay: Histogram): Timer {
  let expectedAt = clock.now() + periodMs;
  return clock.every(periodMs, () => {
    const now = clock.now();
    delay.observeMs(now - expectedAt);
    expectedAt = now + periodMs;
  });
}
