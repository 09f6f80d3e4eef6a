/**
 * Decides when what is pending goes out: one scheduler for the whole node, not one per channel.
 *
 * A delivery costs a system call per subscriber and flushing turn of the loop, whatever the number of messages in it; the
 * work in user space is small beside it. So the number to reduce is flushing turns times subscribers touched in each: all
 * channels flush in one shared turn, and after a turn that cost much the next one waits.
 *
 * The rule: what finds the node at rest goes out at the end of the turn, so a lone publication waits for nothing, and a
 * lightly loaded node is as quick as one without a pacer. When something came while a flushing turn was under way that
 * cost `t`, the next waits `t × costFactor`, but never beyond the earliest deadline of what is pending. With factor f a busy
 * node spends at most 1 / (1 + f) of its time on flushing while it can still keep its deadlines, and what comes at the worst
 * moment is out after 2 + f turns: the same trade as a fixed window of `t × f`, but no window has to be tuned.
 *
 * The cost of a turn is the time from its start to the next turn of the loop: publishing to a native topic only queues,
 * and the system calls happen when the loop drains.
 *
 *     publications   a   b c d e   f g h i
 *     flushing turns [a]     [bcde]    [fghi]        [x] costs t, then the next waits `t × costFactor`
 */
import type { Clock, Timer } from '../clock.ts';

/** A timer cannot wait for less; what is due sooner goes at the end of the turn. */
const shortestWaitMs = 0.5;

/**
 * How much of a turn's cost the next one waits. Chosen by figures (docs/benchmarks.md, "Fan-out"): with more, CPU falls by a fifth to a
 * third, but at 500 messages a second to 1,000 subscribers the last percentile is twice that of bare publish.
 */
const defaultCostFactor = 1;

/**
 * How long what came during a flushing turn waits after it, in milliseconds; 0 flushes at the end of this turn.
 *
 * @param deadline the earliest time by which something pending must go out
 */
export function waitAfterFlush(now: number, costMs: number, deadline: number, costFactor: number): number {
  const wait = Math.min(costMs * costFactor, deadline - now);
  return wait < shortestWaitMs ? 0 : wait;
}

type Phase =
  /** Nothing is pending. */
  | 'idle'
  /** A flush is planned. */
  | 'planned'
  /** A flush was queued, and the loop has not come round yet. */
  | 'flushing';

export class Pacer {
  readonly #clock: Clock;
  readonly #flush: () => void;
  readonly #onTurn: (costMs: number) => void;
  readonly #costFactor: number;
  #phase: Phase = 'idle';
  #deadline = Number.POSITIVE_INFINITY;
  #timer: Timer | null = null;
  #timerAt = 0;

  /**
   * @param flush hands everything that is pending to the runtime
   * @param onTurn called with what a flushing turn cost, when it is over
   */
  constructor(
    clock: Clock,
    flush: () => void,
    onTurn: (costMs: number) => void,
    costFactor = defaultCostFactor,
  ) {
    this.#clock = clock;
    this.#flush = flush;
    this.#onTurn = onTurn;
    this.#costFactor = costFactor;
  }

  /** Something is pending that may wait for `maxDelayMs` at most. */
  pending(maxDelayMs: number): void {
    // Most publications find a flush planned that is early enough for them.
    if (this.#phase === 'planned' && this.#timer === null) return;
    const now = this.#clock.now();
    const deadline = now + maxDelayMs;
    if (deadline < this.#deadline) this.#deadline = deadline;
    if (this.#phase === 'idle') this.#plan(now, 0);
    else if (this.#timer !== null && this.#deadline < this.#timerAt) {
      this.#timer.cancel();
      this.#timer = null;
      this.#plan(now, Math.max(0, this.#deadline - now));
    }
  }

  stop(): void {
    this.#timer?.cancel();
    this.#timer = null;
    this.#phase = 'idle';
  }

  #plan(now: number, wait: number): void {
    this.#phase = 'planned';
    if (wait < shortestWaitMs) {
      this.#clock.endOfTurn(() => this.#run());
      return;
    }
    this.#timerAt = now + wait;
    this.#timer = this.#clock.after(wait, () => {
      this.#timer = null;
      // Not from here: on Bun the end of a turn that timers began comes before its sockets are drained, and the cost of the
      // flush would be taken for nothing, so that every second one waits for nothing.
      this.#clock.endOfTurn(() => this.#run());
    });
  }

  #run(): void {
    if (this.#phase !== 'planned') return;
    const startedAt = this.#clock.now();
    this.#phase = 'flushing';
    this.#deadline = Number.POSITIVE_INFINITY;
    this.#clock.endOfTurn(() => this.#ended(startedAt));
    this.#flush();
  }

  #ended(startedAt: number): void {
    if (this.#phase !== 'flushing') return;
    const now = this.#clock.now();
    const costMs = now - startedAt;
    this.#onTurn(costMs);
    if (this.#deadline === Number.POSITIVE_INFINITY) this.#phase = 'idle';
    else this.#plan(now, waitAfterFlush(now, costMs, this.#deadline, this.#costFactor));
  }
}
