/**
 * The bytes between a worker and the relay of its host, over a Unix socket.
 *
 * A frame is its length in four bytes, the largest first, and as many bytes of MessagePack: one array that begins with what it
 * is. Both ends are processes of one program in one version, so nothing here may grow; but neither trusts what it reads.
 *
 * | to the relay | what follows | is answered with |
 * |---|---|---|
 * | 0 hello       | version, role, boot id, place | ready or lost, now and whenever it changes; places, to whoever is there for these |
 * | 1 publish     | id, channel, bytes | done |
 * | 2 subscribe   | id, channel, channel … | done, when it is confirmed |
 * | 3 unsubscribe | id, channel, channel … | done |
 * | 4 identify    | id | done: run id, role of the server |
 * | 5 settle      | id, key, value | done: what is stored |
 * | 6 run         | id, sha1 of a script of ours, keys, arguments | done: what Redis replied |
 * | 7 history     | id, what `history/relay-history.ts` asks | done: what it is told |
 *
 * | to the worker | what follows |
 * |---|---|
 * | 0 ready   | run id, role of the server |
 * | 1 lost    | why |
 * | 2 message | channel, bytes |
 * | 3 done    | id, value |
 * | 4 refused | id, why: it was not carried out |
 * | 5 failed  | id, why: nobody knows whether it was |
 * | 6 places  | of each: id, name, shards, control channel, key and value of its layout; none while it is not known |
 */
import { Malformed } from './malformed.ts';
import { MsgpackReader } from './msgpack-reader.ts';
import { MsgpackWriter } from './msgpack-writer.ts';

export const relayVersion = 2;

export const toRelay = {
  hello: 0,
  publish: 1,
  subscribe: 2,
  unsubscribe: 3,
  identify: 4,
  settle: 5,
  run: 6,
  history: 7,
} as const;

export const toWorker = { ready: 0, lost: 1, message: 2, done: 3, refused: 4, failed: 5, places: 6 } as const;

/** What a connection of a worker is for: bridge and history go their own ways to Redis, and one asks where what is. */
export const relayRoles = ['bridge', 'history', 'places'] as const;
export type RelayRole = (typeof relayRoles)[number];

/** What a frame is made of. A number is whole and below 2^53, or any float64. */
export type WireValue = null | number | string | Uint8Array | readonly WireValue[];

/** A value that was read: its bytes are views of what arrived. */
export type ReadValue = null | number | string | Buffer | ReadValue[];

/** Larger than a frame between nodes, and than all latest values of a channel. */
export const maxRelayFrameBytes = 134_217_728;
/** Values in one frame: a batch of appends has a few for each publication. */
const maxValues = 1_048_576;
const maxDepth = 6;
const lengthBytes = 4;
/** A buffer that grew beyond this for a large frame is given back. */
const keepBytes = 262_144;

const writer = new MsgpackWriter();

/** A whole frame, its length included. */
export function relayFrame(type: number, ...values: readonly WireValue[]): Buffer {
  writer.clear(keepBytes);
  writer.array(1 + values.length);
  writer.unsigned(type);
  for (const value of values) write(value);
  const body = writer.view();
  const frame = Buffer.allocUnsafe(lengthBytes + body.length);
  frame.writeUInt32BE(body.length);
  frame.set(body, lengthBytes);
  return frame;
}

function write(value: WireValue): void {
  if (value === null) writer.nil();
  else if (typeof value === 'string') writer.text(value);
  else if (typeof value === 'number') {
    if (Number.isSafeInteger(value) && value >= 0) writer.unsigned(value);
    else writer.float(value);
  } else if (value instanceof Uint8Array) writer.binary(value);
  else {
    writer.array(value.length);
    for (const inner of value) write(inner);
  }
}

/** Cuts what arrives into frames, and reads them. */
export class RelayFrames {
  readonly #reader = new MsgpackReader();
  #parts: Buffer[] = [];
  #size = 0;
  /** Bytes that must be there before anything more can be read. */
  #wanted = lengthBytes;

  /**
   * Hands out each frame that is complete: what it is, and the values that follow.
   *
   * @throws Malformed for what is no frame; nothing behind it can be read
   */
  push(chunk: Buffer, take: (type: number, values: ReadValue[]) => void): void {
    this.#parts.push(chunk);
    this.#size += chunk.length;
    if (this.#size < this.#wanted) return;
    const bytes = this.#parts.length === 1 ? chunk : Buffer.concat(this.#parts);
    let at = 0;
    for (;;) {
      this.#wanted = lengthBytes;
      if (bytes.length - at < lengthBytes) break;
      const length = bytes.readUInt32BE(at);
      if (length > maxRelayFrameBytes) throw new Malformed('a frame is too long');
      this.#wanted += length;
      if (bytes.length - at < this.#wanted) break;
      const [type, ...values] = this.#read(bytes.subarray(at + lengthBytes, at + this.#wanted));
      at += this.#wanted;
      take(type as number, values);
    }
    const rest = bytes.subarray(at);
    this.#parts = rest.length === 0 ? [] : [rest];
    this.#size = rest.length;
  }

  #read(bytes: Buffer): ReadValue[] {
    const reader = this.#reader;
    let values = 0;
    const read = (depth: number): ReadValue => {
      values += 1;
      if (values > maxValues) throw new Malformed('too many values');
      switch (reader.next) {
        case 'nil':
          reader.skip();
          return null;
        case 'number':
          return reader.number();
        case 'text':
          return reader.text(maxRelayFrameBytes);
        case 'binary': {
          const size = reader.binarySize(maxRelayFrameBytes);
          return bytes.subarray(reader.position - size, reader.position);
        }
        case 'array': {
          if (depth === maxDepth) throw new Malformed('values are nested too deeply');
          const list: ReadValue[] = [];
          for (let left = reader.array(); left > 0; left -= 1) list.push(read(depth + 1));
          return list;
        }
        default:
          throw new Malformed('a value of a type that is never sent');
      }
    };
    reader.open(bytes);
    const frame = read(0);
    if (!Array.isArray(frame) || typeof frame[0] !== 'number') throw new Malformed('a frame without a type');
    if (!reader.atEnd) throw new Malformed('something follows the frame');
    return frame;
  }
}

/** The value, if it is text. */
export function asText(value: ReadValue | undefined): string {
  if (typeof value !== 'string') throw new Malformed('text was expected');
  return value;
}

export function asBytes(value: ReadValue | undefined): Buffer {
  if (!Buffer.isBuffer(value)) throw new Malformed('bytes were expected');
  return value;
}

/** The value, if it is a whole number that can be told from its neighbours. */
export function asInteger(value: ReadValue | undefined): number {
  if (!Number.isSafeInteger(value)) throw new Malformed('a whole number was expected');
  return value as number;
}

export function asList(value: ReadValue | undefined): ReadValue[] {
  if (!Array.isArray(value)) throw new Malformed('a list was expected');
  return value;
}
