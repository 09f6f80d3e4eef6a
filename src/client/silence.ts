/**
 * When a connection from which nothing comes is asked for a sign, and when it is given up.
 *
 * A hidden tab's timers run once a minute, a sleeping laptop's not at all. What arrived meanwhile may still wait behind the
 * timer that fires late, so the node gets another period first: its answer is then heard before the next judgement.
 */
import type { Clock, Timer } from './clock.ts';

/** What the node has to answer a ping (docs/protocol.md, "connected"). */
const answerMs = 10_000;
/** Timers of a page that is merely busy are less late than this. */
const lateMs = 2_000;
/** A node that wants to be asked more often than this is not taken seriously. */
const shortestIntervalMs = 100;

export interface SilenceHandlers {
  ping(): void;
  /** Called once, at the end. */
  dead(): void;
}

export class Silence {
  readonly #clock: Clock;
  readonly #intervalMs: number;
  readonly #handlers: SilenceHandlers;
  #heardAt: number;
  /** Null while no answer is waited for. */
  #askedAt: number | null = null;
  #forgiven = false;
  #dueAt = 0;
  #timer: Timer | null = null;

  /** @param intervalMs without any message, after which to ask */
  constructor(clock: Clock, intervalMs: number, handlers: SilenceHandlers) {
    this.#clock = clock;
    this.#intervalMs = Math.max(shortestIntervalMs, intervalMs);
    this.#handlers = handlers;
    this.#heardAt = clock.now();
    this.#wait(this.#intervalMs);
  }

  /** A message arrived. */
  broken(): void {
    this.#heardAt = this.#clock.now();
    this.#askedAt = null;
    this.#forgiven = false;
  }

  /** Something happened that may have cut the connection: asks now, unless an answer is waited for already. */
  probe(): void {
    if (this.#askedAt === null) this.#ask();
  }

  stop(): void {
    this.#timer?.cancel();
  }

  #look(): void {
    const now = this.#clock.now();
    if (this.#askedAt === null) {
      const restMs = this.#heardAt + this.#intervalMs - now;
      if (restMs > 0) this.#wait(restMs);
      else this.#ask();
    } else if (now - this.#dueAt > lateMs && !this.#forgiven) {
      this.#forgiven = true;
      this.#ask();
    } else this.#handlers.dead();
  }

  #ask(): void {
    this.#askedAt = this.#clock.now();
    this.#handlers.ping();
    this.#wait(answerMs);
  }

  #wait(delayMs: number): void {
    this.#timer?.cancel();
    this.#dueAt = this.#clock.now() + delayMs;
    this.#timer = this.#clock.after(delayMs, () => this.#look());
  }
}
