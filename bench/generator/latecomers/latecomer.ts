/**
 * One client that joins a channel, leaves, and wants to go on where it was.
 */
import type { Target } from '../messages.ts';
import { monotonicMs } from '../monotonic.ts';
import { BenchWebSocket } from '../websocket.ts';
import { Progress, type Reading } from './progress.ts';
import type { Place, Resumption, Visit } from './resumption.ts';

export interface LatecomerOptions {
  resumption: Resumption;
  reading: Reading;
  channel: number;
  localAddress: string | undefined;
  /** Called when anything has come. */
  onNews(): void;
  arrived(bytes: number): void;
}

export class Latecomer {
  readonly progress: Progress;
  /** When it was in its channel, and when it had as many records as `expects` said; null until then. */
  inAt: number | null = null;
  hasAllAt: number | null = null;
  /** It asked to go on where it was, and could not. */
  refused = false;
  /** Its connection has ended although it did not leave. */
  cutOff = false;
  readonly #options: LatecomerOptions;
  #place: Place | null = null;
  #socket: BenchWebSocket | null = null;
  #visit: Visit | null = null;
  #isOpen = false;
  #records = Number.POSITIVE_INFINITY;
  #leaving = false;

  constructor(options: LatecomerOptions) {
    this.#options = options;
    this.progress = new Progress(options.reading, options.channel);
  }

  /** The system lets it ask for its channel. */
  get isOpen(): boolean {
    return this.#isOpen;
  }

  /** From now on it is to have so many records of its channel. */
  expects(records: number): void {
    this.#records = records;
    this.inAt = null;
    this.hasAllAt = null;
  }

  /**
   * Opens a connection and says hello; with `joining` asks for the channel in the same breath. Resolves when the handshake is
   * answered. @throws Error if it is refused
   */
  async come({ host, port, path, tls }: Target, joining: boolean): Promise<void> {
    const { resumption, localAddress, arrived } = this.#options;
    this.#leaving = false;
    this.#isOpen = false;
    this.#socket = await BenchWebSocket.open({
      ...{ host, port, tls, localAddress, subprotocol: resumption.subprotocol, arrived },
      path: resumption.path ?? path,
      opened: (socket) => ({ message: this.#begin(socket, joining).listen, control() {} }),
      closed: () => this.#closed(),
    });
  }

  /** Asks for the channel, if `come` did not. */
  join(): void {
    if (this.#socket !== null && this.#visit !== null) this.#socket.write(this.#visit.join);
  }

  leave(): void {
    this.#leaving = true;
    this.#socket?.close();
  }

  #begin(socket: BenchWebSocket, joining: boolean): Visit {
    const { resumption, channel, onNews } = this.#options;
    const { progress } = this;
    const visit = resumption.visit(
      {
        send: (frames) => void socket.write(frames),
        opened: () => {
          this.#isOpen = true;
          onNews();
        },
        joined: (goesOn) => {
          this.inAt ??= monotonicMs();
          if (!goesOn) this.refused = true;
          onNews();
        },
        stands: (place) => {
          this.#place = place;
        },
        records: (bytes, offset, count, stride) => {
          progress.records(bytes, offset, count, stride);
          if (progress.next >= this.#records) this.hasAllAt ??= monotonicMs();
          onNews();
        },
        mangled: () => progress.mangled(),
      },
      channel,
      this.#place,
    );
    this.#visit = visit;
    socket.write(joining ? Buffer.concat([visit.hello, visit.join]) : visit.hello);
    return visit;
  }

  #closed(): void {
    this.#isOpen = false;
    this.#socket = null;
    if (!this.#leaving) this.cutOff = true;
    this.#options.onNews();
  }
}
