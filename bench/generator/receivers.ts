/**
 * The receiver processes as one: so many subscribers, what came to them, and whether more is coming.
 */
import type { FromReceiver, Misbehaviour, ReceiverReport, Target, ToReceiver } from './messages.ts';
import { monotonicMs } from './monotonic.ts';
import type { Topology } from './topology.ts';
import { Worker } from './worker.ts';

/** Nothing has come for this long after the last record was sent: nothing will. A busy machine can keep a process waiting. */
const quietMs = 1_500;
/** A server that is so far behind is not waited for any longer. */
const maxDrainMs = 10_000;

/** Handshakes under way at once over all receivers: well below the listen backlog of 512 of the runtimes. */
export const parallelHandshakes = 64;

/**
 * Source addresses of each process. One pair of addresses has about 28,000 ports, but long before they are used up, with
 * those of the last minute's connections among them (TIME_WAIT), the kernel needs up to 2 ms to find a free one.
 */
const addressesPerProcess = 250;

/** How subscribers connect, and what to. */
export interface Subscribing {
  /** Used in turn. */
  targets: readonly Target[];
  recordBytes: number;
  topology: Topology;
}

export interface Connected {
  seconds: number;
  /** CPU seconds of each process meanwhile. */
  cpuSeconds: number[];
}

export class Receivers {
  readonly #workers: readonly Worker<ToReceiver, FromReceiver>[];
  readonly #deliveries: number[];
  #lastAt = monotonicMs();
  #subscribers = 0;
  /** As last asked for. */
  #lastArrivals = -1;

  /** @param onProgress called from time to time with the deliveries so far */
  constructor(processes: number, onProgress: (deliveries: number) => void = () => {}) {
    this.#deliveries = new Array<number>(processes).fill(0);
    this.#workers = this.#deliveries.map(
      (_, index) =>
        new Worker<ToReceiver, FromReceiver>('receiver.ts', (message) => {
          if (message.type !== 'progress') return;
          this.#deliveries[index] = message.deliveries;
          this.#lastAt = monotonicMs();
          onProgress(this.deliveries);
        }),
    );
  }

  get pids(): number[] {
    return this.#workers.map(({ pid }) => pid);
  }

  /** Records that came since `begin`, as far as it is known here: some milliseconds ago. */
  get deliveries(): number {
    return sum(this.#deliveries);
  }

  /** When the last of them came, in monotonic milliseconds. */
  get lastAt(): number {
    return this.#lastAt;
  }

  /** Opens so many connections more, paced. */
  async connect(subscribing: Subscribing, connections: number): Promise<Connected> {
    const shares = split(connections, this.#workers.length);
    const startedAt = monotonicMs();
    const firsts = shares.map((_, index) => this.#subscribers + sum(shares.slice(0, index)));
    this.#subscribers += connections;
    const answers = await Promise.all(
      this.#workers.map((worker, index) =>
        worker.ask(
          {
            type: 'connect',
            ...subscribing,
            connections: shares[index] as number,
            firstSubscriber: firsts[index] as number,
            localAddresses: localAddresses(index),
            parallel: Math.max(1, Math.floor(parallelHandshakes / this.#workers.length)),
          },
          'connected',
        ),
      ),
    );
    return {
      seconds: (monotonicMs() - startedAt) / 1_000,
      cpuSeconds: answers.map(({ cpuSeconds }) => cpuSeconds),
    };
  }

  /** The last `subscribers` of them do not count from now on. */
  async setAside(subscribers: number): Promise<void> {
    const shares = split(subscribers, this.#workers.length);
    await Promise.all(
      this.#workers.map((worker, index) =>
        worker.ask({ type: 'set aside', connections: shares[index] as number }, 'set aside'),
      ),
    );
  }

  /** Lets those that were set aside do this. Returns the seconds until the last had done it. */
  async misbehave(how: Misbehaviour): Promise<number> {
    const answers = await Promise.all(
      this.#workers.map((worker) => worker.ask({ type: 'misbehave', how }, 'misbehaved')),
    );
    return Math.max(...answers.map(({ seconds }) => seconds));
  }

  /** Records of that run count. With `comeBack`, whose connection ends opens another, at the next address. */
  async begin(run: number, comeBack = false): Promise<void> {
    const order = { type: 'begin', run, comeBack } as const;
    await Promise.all(this.#workers.map((worker) => worker.ask(order, 'begun')));
    this.#deliveries.fill(0);
    this.#lastArrivals = -1;
    this.#lastAt = monotonicMs();
  }

  /** Waits for so many deliveries, or until nothing comes any more. Returns whether some still came when it gave up. */
  async untilDelivered(expected: number): Promise<{ stillComing: boolean }> {
    const startedAt = monotonicMs();
    while (this.deliveries < expected) {
      const now = monotonicMs();
      if (now - Math.max(this.#lastAt, startedAt) > quietMs && !(await this.#more()))
        return { stillComing: false };
      if (now - startedAt > maxDrainMs) return { stillComing: true };
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    return { stillComing: false };
  }

  /**
   * Asks whether more has come than is known here. A worker that reads without a pause does not come to say so by itself,
   * and answers late.
   */
  async #more(): Promise<boolean> {
    const answers = await Promise.all(
      this.#workers.map((worker) => worker.ask({ type: 'count' }, 'counted')),
    );
    for (const [index, { deliveries }] of answers.entries()) this.#deliveries[index] = deliveries;
    const arrivals = sum(answers.map((answer) => answer.arrivals));
    if (arrivals === this.#lastArrivals) return false;
    this.#lastArrivals = arrivals;
    this.#lastAt = monotonicMs();
    return true;
  }

  /** @param published of each channel */
  report(published: readonly number[]): Promise<ReceiverReport[]> {
    return Promise.all(this.#workers.map((worker) => worker.ask({ type: 'report', published }, 'report')));
  }

  async end(): Promise<void> {
    await Promise.all(this.#workers.map((worker) => worker.end()));
  }
}

export function localAddresses(worker: number): string[] {
  return Array.from({ length: addressesPerProcess }, (_, i) => `127.0.${1 + (worker % 200)}.${1 + i}`);
}

export function split(total: number, parts: number): number[] {
  return Array.from({ length: parts }, (_, i) => Math.floor((total + i) / parts));
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
