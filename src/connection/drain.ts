/**
 * The end of all connections of a node that stops: everybody who reads gets what was sent to it, then a close frame.
 *
 * Where a node is replaced, its clients arrive at the others as a herd, unless they are sent one by one. So they are closed in
 * random order, evenly over a window: what remains is spread over what remains of the window, so that a pause of the process
 * is not made up for by a burst. Each is also told its own time after which to come back. That spreads the herd where there is
 * no window, and costs nothing where there is one.
 *
 *     closed  ▁▁▁▁▁▁▁▁▁▁▁▁        window 0   closed  █
 *     back    ▁▁▁▁▁▁▁▁▁▁▁▁                    back    ▁▁▁▁▁▁▁▁▁▁▁▁   as many a second as a node admits
 *
 * A connection with bytes still waiting when its turn comes is left to take them and closed after; whoever has not by the
 * deadline is terminated, since a close frame would wait behind bytes that nobody reads.
 */
import type { Clock } from '../clock.ts';
import { closeCodes, retryAfter } from '../close-codes.ts';
import type { Metrics } from '../metrics/metrics.ts';
import type { Connection } from './connection.ts';
import type { Connections } from './connections.ts';

/** How often some are closed, and those with waiting bytes looked at. */
const lookEveryMs = 50;

/** Parts of the window that are told of. */
const waveCount = 10;

/** Clients come back over at least this long: all at once is too much for anybody. */
const leastRetrySpreadMs = 500;

/**
 * What peers get to take the close frame before the process may exit: the kernel resets a connection, and throws away
 * what is under way to the peer, if a process exits with unread bytes from it.
 */
const lingerMs = 200;

/** What happened in a tenth of the window, or at once if there is none. The last one is told early if nobody is left. */
export interface Wave {
  readonly wave: number;
  readonly waves: number;
  /** Closed since the last one. */
  readonly closed: number;
  /** Still open, `behind` of them because they have to take what waits for them. */
  readonly open: number;
  readonly behind: number;
}

export interface DrainOptions {
  connections: Connections;
  /** Over which the closes are spread; 0 closes all at once. */
  windowMs: number;
  /** From the end of the window on, those that are behind have this long. */
  timeoutMs: number;
  /** Clients that may come back in a second, wherever they come back to. */
  comeBackPerSecond: number;
  clock: Clock;
  /** From 0 up to, and without, 1. */
  random: () => number;
  metrics: Pick<Metrics, 'drainBehind' | 'drainWaves'>;
  onWave(wave: Wave): void;
}

/**
 * Resolves when every connection has been closed and had time to hear of it; at once if there was none. Whoever comes
 * meanwhile is closed at the end of the window.
 */
export async function drain(options: DrainOptions): Promise<void> {
  if (options.connections.open > 0) await new Drain(options).run();
}

class Drain {
  readonly #options: DrainOptions;
  /** Whose turn is still to come, the next one last. */
  readonly #waiting: Connection[];
  readonly #behind = new Set<Connection>();
  readonly #retrySpreadMs: number;
  readonly #windowEnd: number;
  /** The part of a connection that was due at the last look. */
  #fraction = 0;
  #wave = 0;
  #closed = 0;

  constructor(options: DrainOptions) {
    const { connections, windowMs, comeBackPerSecond, clock, random } = options;
    this.#options = options;
    this.#waiting = shuffled(connections, random);
    this.#windowEnd = clock.now() + windowMs;
    this.#retrySpreadMs = Math.max(
      leastRetrySpreadMs,
      (connections.open / comeBackPerSecond) * 1_000 - windowMs,
    );
  }

  async run(): Promise<void> {
    const { connections, clock, timeoutMs } = this.#options;
    const deadline = this.#windowEnd + timeoutMs;
    this.#look();
    while (connections.open > 0 && clock.now() < deadline) {
      await this.#wait(Math.min(lookEveryMs, deadline - clock.now()));
      this.#look();
    }
    for (const connection of connections) connection.terminate('stopping');
    this.#options.metrics.drainBehind.value = 0;
    await this.#wait(Math.min(lingerMs, timeoutMs));
  }

  #look(): void {
    const { connections, clock, metrics } = this.#options;
    const leftMs = this.#windowEnd - clock.now();
    for (const connection of this.#behind) this.#turn(connection);
    for (let due = this.#due(leftMs); due > 0; due -= 1) this.#turn(this.#waiting.pop() as Connection);
    // Whoever slipped in while the window was open.
    if (leftMs <= 0) for (const connection of connections) this.#turn(connection);
    metrics.drainBehind.value = this.#behind.size;
    this.#tell(leftMs);
  }

  /** How many of those that wait are to be closed now. */
  #due(leftMs: number): number {
    const waiting = this.#waiting.length;
    if (leftMs <= 0) return waiting;
    this.#fraction += waiting * Math.min(1, lookEveryMs / leftMs);
    const due = Math.min(waiting, Math.floor(this.#fraction));
    this.#fraction -= due;
    return due;
  }

  #turn(connection: Connection): void {
    const { socket } = connection;
    if (socket === null) this.#behind.delete(connection);
    else if (socket.bufferedBytes() > 0) this.#behind.add(connection);
    else {
      this.#behind.delete(connection);
      this.#closed += 1;
      const retryAfterMs = Math.floor(this.#options.random() * this.#retrySpreadMs);
      connection.close(retryAfter(closeCodes.goingAway, retryAfterMs), 'stopping');
    }
  }

  #tell(leftMs: number): void {
    const { connections, windowMs, metrics, onWave } = this.#options;
    const waves = windowMs === 0 ? 1 : waveCount;
    const over = leftMs <= 0 || connections.open === 0;
    const passed = over ? waves : Math.floor((1 - leftMs / windowMs) * waves);
    if (passed <= this.#wave) return;
    this.#wave = passed;
    metrics.drainWaves.value += 1;
    onWave({ wave: passed, waves, closed: this.#closed, open: connections.open, behind: this.#behind.size });
    this.#closed = 0;
  }

  #wait(ms: number): Promise<void> {
    return new Promise((resolve) => this.#options.clock.after(ms, resolve));
  }
}

/** Fisher and Yates. */
function shuffled(connections: Iterable<Connection>, random: () => number): Connection[] {
  const order = [...connections];
  for (let last = order.length - 1; last > 0; last -= 1) {
    const other = Math.floor(random() * (last + 1));
    [order[last], order[other]] = [order[other] as Connection, order[last] as Connection];
  }
  return order;
}
