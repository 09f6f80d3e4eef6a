/**
 * Time as a parameter, so that everything that waits can be tested without waiting.
 *
 * `now` is monotonic: a wall clock that is set back must never disconnect anybody.
 */

/** Handle of a running timer. */
export interface Timer {
  cancel(): void;
}

export interface Clock {
  /** Milliseconds since an arbitrary start; never goes backwards. */
  now(): number;
  /** Calls `run` every `intervalMs` until cancelled. Does not keep the process alive. */
  every(intervalMs: number, run: () => void): Timer;
  /** Calls `run` once after `delayMs` unless cancelled. Does not keep the process alive. */
  after(delayMs: number, run: () => void): Timer;
  /** Calls `run` when this turn of the event loop has handled everything that arrived. */
  endOfTurn(run: () => void): void;
}

export const systemClock: Clock = {
  now: () => performance.now(),
  every(intervalMs, run) {
    const handle = setInterval(run, intervalMs);
    handle.unref();
    return { cancel: () => clearInterval(handle) };
  },
  after(delayMs, run) {
    const handle = setTimeout(run, delayMs);
    handle.unref();
    return { cancel: () => clearTimeout(handle) };
  },
  endOfTurn(run) {
    setImmediate(run);
  },
};
