/**
 * A clock whose time moves only when a test says so.
 */
import type { Clock, Timer } from '../../src/clock.ts';

interface Pending {
  dueAt: number;
  /** Null for a timer that runs once. */
  intervalMs: number | null;
  run: () => void;
}

export class FakeClock implements Clock {
  readonly #timers = new Set<Pending>();
  readonly #atEndOfTurn: (() => void)[] = [];
  /** Not 0, so that nobody takes the start of time for granted. */
  #now = 5_000;

  /** Timers that were started and are neither cancelled nor over. */
  get timers(): number {
    return this.#timers.size;
  }

  now(): number {
    return this.#now;
  }

  every(intervalMs: number, run: () => void): Timer {
    return this.#start({ dueAt: this.#now + intervalMs, intervalMs, run });
  }

  after(delayMs: number, run: () => void): Timer {
    return this.#start({ dueAt: this.#now + delayMs, intervalMs: null, run });
  }

  /** Runs at the end of the turn: see `endTurn`. */
  endOfTurn(run: () => void): void {
    this.#atEndOfTurn.push(run);
  }

  /** Ends the turn of the loop: runs what was planned for its end. */
  endTurn(): void {
    for (const run of this.#atEndOfTurn.splice(0)) run();
  }

  /** Lets time pass evenly: every timer runs at the moment for which it is due. */
  advance(ms: number): void {
    const end = this.#now + ms;
    for (let next = this.#next(end); next !== undefined; next = this.#next(end)) {
      this.#now = next.dueAt;
      this.#run(next);
    }
    this.#now = end;
  }

  /** Stands still for this long, as a stopped process does; then each timer that is overdue runs once, late. */
  stall(ms: number): void {
    this.#now += ms;
    for (const timer of [...this.#timers]) if (timer.dueAt <= this.#now) this.#run(timer);
  }

  #start(timer: Pending): Timer {
    this.#timers.add(timer);
    return { cancel: () => void this.#timers.delete(timer) };
  }

  #next(end: number): Pending | undefined {
    let first: Pending | undefined;
    for (const timer of this.#timers)
      if (timer.dueAt <= end && timer.dueAt < (first?.dueAt ?? Number.POSITIVE_INFINITY)) first = timer;
    return first;
  }

  #run(timer: Pending): void {
    if (timer.intervalMs === null) this.#timers.delete(timer);
    else timer.dueAt = this.#now + timer.intervalMs;
    timer.run();
  }
}
