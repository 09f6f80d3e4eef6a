/**
 * What SIGINT and SIGTERM mean: stop in good order; the second time, stop now.
 *
 * One Ctrl-C reaches a process two or three times within a few milliseconds, from the terminal, from npm and from the
 * launcher. So signals within a second of the first count as one.
 */
import type { Clock } from '../clock.ts';

export const coalesceMs = 1_000;

export interface SignalActions {
  /** Called once, with the first signal. */
  stop(signal: NodeJS.Signals): void;
  /** Called with a signal that came more than a second after the first. */
  exitNow(signal: NodeJS.Signals): void;
}

/** Turns raw signals into the two actions. */
export function signalHandler(
  clock: Pick<Clock, 'now'>,
  actions: SignalActions,
): (signal: NodeJS.Signals) => void {
  let firstAt: number | null = null;
  return (signal) => {
    const now = clock.now();
    if (firstAt === null) {
      firstAt = now;
      actions.stop(signal);
    } else if (now - firstAt > coalesceMs) {
      actions.exitNow(signal);
    }
  };
}
