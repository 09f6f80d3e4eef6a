/**
 * An open-loop schedule: what is due is due, whatever the server does.
 *
 * Record i is due at start + i / rate. A timer wakes up about every millisecond and sends everything that is due by then.
 * How late each record really was is the lag; it is part of every latency, because receivers measure from the due time.
 */

export interface Due {
  /** First record to send now, and how many. */
  from: number;
  count: number;
}

export class Schedule {
  readonly total: number;
  readonly #startAt: number;
  readonly #intervalMs: number;
  #sent = 0;

  /** @param startAt monotonic milliseconds */
  constructor(startAt: number, rate: number, seconds: number) {
    this.#startAt = startAt;
    this.#intervalMs = 1_000 / rate;
    this.total = Math.round(rate * seconds);
  }

  get finished(): boolean {
    return this.#sent >= this.total;
  }

  dueAt(sequence: number): number {
    return this.#startAt + sequence * this.#intervalMs;
  }

  /** Takes everything that is due at `now`, each record once. */
  take(now: number): Due {
    const from = this.#sent;
    const due = Math.min(this.total, Math.floor((now - this.#startAt) / this.#intervalMs) + 1);
    this.#sent = Math.max(from, due);
    return { from, count: this.#sent - from };
  }
}
