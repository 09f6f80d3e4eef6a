/**
 * Time as a parameter, so that everything that waits can be tested without waiting.
 *
 * The server has a clock of its own (`src/clock.ts`), whose timers never keep a process alive. These do: a program that
 * waits for its connection to come back must not end meanwhile.
 */

export interface Timer {
  cancel(): void;
}

export interface Clock {
  /** Milliseconds since an arbitrary start; never goes backwards. */
  now(): number;
  /** Calls `run` once after `delayMs` unless cancelled. Browsers delay it by up to a minute in a hidden tab. */
  after(delayMs: number, run: () => void): Timer;
}

export const systemClock: Clock = {
  now: () => performance.now(),
  after(delayMs, run) {
    const handle = setTimeout(run, delayMs);
    return { cancel: () => clearTimeout(handle) };
  },
};
