/**
 * The processes with latecomers as one: they come, leave, and catch up.
 */
import { cpus } from 'node:os';
import type { Target } from '../messages.ts';
import { monotonicMs } from '../monotonic.ts';
import { localAddresses, parallelHandshakes, split } from '../receivers.ts';
import { Worker } from '../worker.ts';
import type { CaughtUp, FromLatecomers, ToLatecomers } from './messages.ts';

/** One core is left for the server. */
const processes = Math.max(1, cpus().length - 1);

export interface Arrival {
  /** Used in turn. */
  targets: readonly Target[];
  recordBytes: number;
  connections: number;
  channels: number;
  /** They also join their channels; otherwise they are connected and wait. */
  joining: boolean;
}

/** Of all processes. */
export interface CatchUp extends Omit<CaughtUp, 'type' | 'cpuSeconds'> {
  /** CPU of the busiest process, in cores, until the last had everything. */
  busiestShare: number;
}

export class Latecomers {
  readonly #workers = Array.from(
    { length: processes },
    () => new Worker<ToLatecomers, FromLatecomers>('latecomers/worker.ts'),
  );

  /** Resolves when all are where they want to be. */
  async come({ connections, ...arrival }: Arrival): Promise<void> {
    const shares = split(connections, this.#workers.length);
    let first = 0;
    const orders = shares.map((share, index): ToLatecomers => {
      const parallel = Math.max(1, Math.floor(parallelHandshakes / this.#workers.length));
      const order = {
        ...({ ...arrival, type: 'come', connections: share, first, parallel } as const),
        localAddresses: localAddresses(index),
      };
      first += share;
      return order;
    });
    await Promise.all(
      this.#workers.map((worker, index) => worker.ask(orders[index] as ToLatecomers, 'here')),
    );
  }

  /** Resolves when each has so many records of its channel. */
  async have(records: number): Promise<void> {
    await Promise.all(this.#workers.map((worker) => worker.ask({ type: 'wait', records }, 'waited')));
  }

  async leave(): Promise<void> {
    await Promise.all(this.#workers.map((worker) => worker.ask({ type: 'leave' }, 'left')));
  }

  /** All at once, as fast as handshakes may go; until each has so many records of its channel, or nothing comes any more. */
  async catchUp(targets: readonly Target[], records: number): Promise<CatchUp> {
    const order = { type: 'catch up', targets, records, startedAt: monotonicMs() } as const;
    const all = await Promise.all(this.#workers.map((worker) => worker.ask(order, 'caught up')));
    const sum = (of: (one: CaughtUp) => number) => all.reduce((total, one) => total + of(one), 0);
    const afterMs = all.flatMap((one) => one.afterMs).toSorted((one, other) => one - other);
    const seconds = (afterMs.at(-1) ?? Number.NaN) / 1_000;
    return {
      afterMs,
      inAfterMs: all.flatMap((one) => one.inAfterMs).toSorted((one, other) => one - other),
      refused: sum((one) => one.refused),
      cutOff: sum((one) => one.cutOff),
      turnedAway: sum((one) => one.turnedAway),
      wireBytes: sum((one) => one.wireBytes),
      lost: sum((one) => one.lost),
      twice: sum((one) => one.twice),
      corrupted: sum((one) => one.corrupted),
      busiestShare: Math.max(...all.map(({ cpuSeconds }) => cpuSeconds)) / seconds,
    };
  }

  async end(): Promise<void> {
    await Promise.all(this.#workers.map((worker) => worker.end()));
  }
}
