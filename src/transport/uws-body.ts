/**
 * The body of one request on uWebSockets.js, and whether its peer is still there.
 *
 * The library pushes: chunks must be copied because they die with their call, and both handlers must be set in the turn in
 * which the request came. It is told to pause while a reader of chunks has not taken the last one; a paused response that
 * is answered would never be read again, so whoever stops reading lets it flow, into nothing.
 */
import { BodyAborted } from './transport.ts';

/** What is used of the library's response. */
export interface BodySource {
  onData(handler: (chunk: ArrayBuffer, isLast: boolean) => void): unknown;
  onAborted(handler: () => void): unknown;
  pause(): void;
  resume(): void;
}

export class UwsBody {
  /** The peer went away: its response must not be touched any more. */
  gone = false;

  readonly #source: BodySource;
  #watching = false;
  #onGone: () => void = () => {};

  constructor(source: BodySource) {
    this.#source = source;
  }

  /** Learns of the peer's end from now on. */
  watch(): void {
    if (this.#watching) return;
    this.#watching = true;
    this.#source.onAborted(() => {
      this.gone = true;
      this.#onGone();
    });
  }

  /** @param declared the Content-Length, or null where there is none */
  read(declared: number | null, maxBytes: number): Promise<Uint8Array | 'too large'> {
    if (declared !== null && declared > maxBytes) return Promise.resolve('too large');
    this.watch();
    return new Promise((resolve, reject) => {
      const chunks: Uint8Array[] = [];
      let bytes = 0;
      this.#onGone = () => reject(new BodyAborted());
      this.#source.onData((chunk, isLast) => {
        bytes += chunk.byteLength;
        if (bytes > maxBytes) {
          chunks.length = 0;
          resolve('too large');
          return;
        }
        chunks.push(new Uint8Array(chunk.slice(0)));
        if (isLast) resolve(chunks.length === 1 ? (chunks[0] as Uint8Array) : Buffer.concat(chunks, bytes));
      });
    });
  }

  chunks(): AsyncIterable<Uint8Array> {
    this.watch();
    const waiting: Uint8Array[] = [];
    let ended = false;
    let paused = false;
    let abandoned = false;
    let wake: () => void = () => {};
    this.#onGone = () => wake();
    this.#source.onData((chunk, isLast) => {
      if (abandoned) return;
      ended = isLast;
      if (chunk.byteLength > 0) waiting.push(new Uint8Array(chunk.slice(0)));
      if (!isLast && !paused) {
        paused = true;
        this.#source.pause();
      }
      wake();
    });
    const flow = (): void => {
      if (paused && !this.gone) this.#source.resume();
      paused = false;
    };
    const taken = async function* (body: UwsBody): AsyncIterable<Uint8Array> {
      try {
        for (;;) {
          yield* waiting.splice(0);
          if (ended && waiting.length === 0) return;
          if (body.gone) throw new BodyAborted();
          const more = new Promise<void>((resolve) => {
            wake = resolve;
          });
          if (waiting.length > 0) continue;
          flow();
          await more;
        }
      } finally {
        abandoned = true;
        flow();
      }
    };
    return taken(this);
  }
}
