/**
 * Publishes numbered records into a system, as fast as it takes them: not a load that is timed, but what somebody finds who
 * comes later.
 */
import { speak } from '../generator/conversation.ts';
import { dialects } from '../generator/dialects/catalogue.ts';
import type { Target } from '../generator/messages.ts';
import { monotonicMs } from '../generator/monotonic.ts';
import type { RecordForm } from '../generator/record.ts';
import type { BenchWebSocket } from '../generator/websocket.ts';

/** The bytes that publish a record with that number. */
export type Publishing = (record: Buffer, channel: number, sequence: number) => Buffer;

/** Publications in one write. */
const together = 50;

export class Announcer {
  readonly #socket: BenchWebSocket;
  readonly #record: Buffer;
  readonly #form: RecordForm;
  readonly #publishing: Publishing;

  private constructor(socket: BenchWebSocket, form: RecordForm, recordBytes: number, publishing: Publishing) {
    this.#socket = socket;
    this.#form = form;
    this.#record = Buffer.alloc(recordBytes);
    this.#publishing = publishing;
  }

  /** @param publishing unless it is as the system's dialect does */
  static async connect(target: Target, recordBytes: number, publishing?: Publishing): Promise<Announcer> {
    const dialect = dialects[target.dialect](recordBytes);
    const ignored = { records() {}, mangled() {} };
    const socket = await speak({ target, dialect, channels: [], sink: ignored });
    return new Announcer(socket, dialect.form, recordBytes, publishing ?? dialect.publication);
  }

  /** Records from that number on, so many into each channel. */
  announce(channels: number, from: number, count: number): void {
    let frames: Buffer[] = [];
    for (let sequence = from; sequence < from + count; sequence += 1)
      for (let channel = 0; channel < channels; channel += 1) {
        this.#form.write(this.#record, { sequence, intendedAt: monotonicMs(), channel, run: 0 });
        frames.push(this.#publishing(this.#record, channel, sequence));
        if (frames.length < together) continue;
        this.#socket.write(Buffer.concat(frames));
        frames = [];
      }
    this.#socket.write(Buffer.concat(frames));
  }

  close(): void {
    this.#socket.close();
  }
}
