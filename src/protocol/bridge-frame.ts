/**
 * The frame in which publications travel between nodes, and the beat with which a node shows that it is there.
 *
 * A frame is one MessagePack array and carries many publications for many channels of one shard:
 *
 *     [version, bootId, shard, sequence,  nodeId, sentAt, [[channel, kind, payload, key], …]]
 *      └────── frozen for ever ───────┘   └──────────────── version 1 ────────────────────┘
 *
 * The first four elements never change their meaning, so that a node which does not know a version still counts the frame
 * and knows that it missed it. Arrays may grow: what stands behind the elements that a version knows is skipped.
 *
 * | element  | type            | meaning |
 * |----------|-----------------|---------|
 * | version  | uint            | 1 |
 * | bootId   | str, 1–32 bytes | random, new at each start of a node |
 * | shard    | uint            | the shard of all its channels |
 * | sequence | uint            | 1, 2, 3 … per boot id and shard; a frame that could not be sent consumes its number |
 * | nodeId   | str, 1–256 bytes | for people |
 * | sentAt   | float64         | milliseconds since 1970 |
 * | channel  | str, 1–200 bytes | |
 * | kind     | uint            | 0 text, 1 binary, 2 JSON; others are skipped and counted |
 * | payload  | bin             | the bytes as published |
 * | key      | str, 1–384 bytes | idempotency key; absent unless it was published with one. Another type is skipped |
 *
 * Example, one text publication "hi" in the channel "a", 36 bytes:
 *
 *     97  01  a4 "boot"  07  01  a4 "node"  cb 00…00  dd 00 00 00 01  93  a1 "a"  00  c4 02 "hi"
 *
 * A frame from Redis is not trusted: anybody who reaches Redis could have written it. It is read as a whole before its
 * first publication is delivered, so a broken frame delivers nothing. Payloads are not looked into: that text is UTF-8 and
 * JSON is JSON was checked by the node that took them, and whoever forges a frame can publish anything anyway.
 */
import { maxChannelNameBytes } from '../channel/channel-name.ts';
import { Publication, type PublicationKind } from '../channel/publication.ts';
import { maxIdempotencyKeyLength } from './command.ts';
import { Malformed } from './malformed.ts';
import { MsgpackReader } from './msgpack-reader.ts';
import { MsgpackWriter } from './msgpack-writer.ts';

export const frameVersion = 1;

const kindText = 0;
const kindBinary = 1;
const kindJson = 2;
const kindNumbers: Readonly<Record<PublicationKind, number>> = {
  text: kindText,
  binary: kindBinary,
  json: kindJson,
  // Never in these frames: what has a key goes through a history.
  deleted: 3,
};
const largestKind = 0xffff_ffff;

const maxBootIdBytes = 32;
const maxNodeIdBytes = 256;
/** A UTF-16 unit is at most three bytes of UTF-8. */
const maxIdempotencyKeyBytes = maxIdempotencyKeyLength * 3;

/** Larger than any frame that a node sends (one payload of 16 MiB and its header); more is refused unread. */
export const maxFrameBytes = 16_777_216 + 65_536;

/** A buffer that grew beyond this for a large payload is given back. */
const keepBytes = 262_144;

const header = new MsgpackReader();

/** Who sent a frame, from the part that never changes; null for what is no frame. */
export function bootIdOf(bytes: Buffer): string | null {
  header.open(bytes);
  try {
    if (header.array() < 4) return null;
    header.unsigned();
    return header.text(maxBootIdBytes);
  } catch (error) {
    if (error instanceof Malformed) return null;
    throw error;
  }
}

export interface FrameSender {
  bootId: string;
  nodeId: string;
}

/** Gathers the publications of one shard into one frame at a time. Its buffer is used again for every frame. */
export class FrameWriter {
  readonly #sender: FrameSender;
  readonly #shard: number;
  readonly #writer = new MsgpackWriter();
  #sequence = 0;
  #count = 0;
  #sentAtPosition = 0;
  #entriesPosition = 0;

  constructor(sender: FrameSender, shard: number) {
    this.#sender = sender;
    this.#shard = shard;
  }

  /** The number of the last frame that was taken. */
  get sequence(): number {
    return this.#sequence;
  }

  /** Publications in the open frame. */
  get count(): number {
    return this.#count;
  }

  /** Bytes of the open frame. */
  get bytes(): number {
    return this.#count === 0 ? 0 : this.#writer.length;
  }

  /** Copies a publication into the open frame. */
  add(channel: string, publication: Publication, idempotencyKey: string | null = null): void {
    const { content } = publication;
    const writer = this.#writer;
    if (this.#count === 0) this.#begin();
    this.#count += 1;
    writer.array(idempotencyKey === null ? 3 : 4);
    writer.text(channel);
    writer.unsigned(kindNumbers[publication.kind]);
    if (typeof content === 'string') writer.textAsBinary(content);
    else writer.binary(content);
    if (idempotencyKey !== null) writer.text(idempotencyKey);
  }

  /** Closes the open frame, which consumes a sequence number whatever becomes of it, and returns its bytes. */
  take(sentAt: number): Buffer {
    this.#writer.setFloat(this.#sentAtPosition, sentAt);
    this.#writer.setArrayLength(this.#entriesPosition, this.#count);
    this.#sequence += 1;
    this.#count = 0;
    return this.#writer.copy();
  }

  #begin(): void {
    const writer = this.#writer;
    writer.clear(keepBytes);
    writer.array(7);
    writer.unsigned(frameVersion);
    writer.text(this.#sender.bootId);
    writer.unsigned(this.#shard);
    writer.unsigned(this.#sequence + 1);
    writer.text(this.#sender.nodeId);
    this.#sentAtPosition = writer.float(0);
    this.#entriesPosition = writer.openArray();
  }
}

/**
 * - `frame`: everything was read; `deliver` hands out its publications.
 * - `unknown version`: only the frozen header was read.
 * - `malformed`: nothing about it can be believed.
 */
export type FrameVerdict = 'frame' | 'unknown version' | 'malformed';

/** Reads one frame at a time; its fields are those of the last frame. */
export class FrameReader {
  bootId = '';
  shard = 0;
  sequence = 0;
  nodeId = '';
  sentAt = 0;
  /** Publications in the frame, and how many of them have a kind that is not known here. */
  count = 0;
  unknownKinds = 0;

  readonly #reader = new MsgpackReader();
  #bytes: Buffer = Buffer.alloc(0);
  /** Per publication: where its channel ends and how long it is, its kind, where its payload ends and how long it is. */
  #entries = new Uint32Array(5 * 256);
  /** By place, of those few that have one. */
  readonly #idempotencyKeys = new Map<number, string>();

  read(bytes: Buffer): FrameVerdict {
    this.count = 0;
    this.unknownKinds = 0;
    if (this.#idempotencyKeys.size > 0) this.#idempotencyKeys.clear();
    if (bytes.length > maxFrameBytes) return 'malformed';
    this.#bytes = bytes;
    this.#reader.open(bytes);
    try {
      return this.#readFrame();
    } catch (error) {
      if (error instanceof Malformed) return 'malformed';
      throw error;
    }
  }

  /** Hands out the publications of a `frame`, in order. Their bytes are views of the frame, valid during the call. */
  deliver(receive: (channel: string, publication: Publication, idempotencyKey: string | null) => void): void {
    // The clock of the sender is not trusted either: what follows counts on a whole number from 0 to 2^53 − 1.
    const time = Math.min(Math.max(Math.round(this.sentAt), 0), Number.MAX_SAFE_INTEGER);
    const bytes = this.#bytes;
    const entries = this.#entries;
    const keys = this.#idempotencyKeys.size === 0 ? null : this.#idempotencyKeys;
    let channel = '';
    let channelEnd = 0;
    let channelSize = 0;
    for (let at = 0; at < this.count * 5; at += 5) {
      const end = entries[at] as number;
      const size = entries[at + 1] as number;
      // Neighbours often share their channel: comparing bytes is cheaper than making the same string again.
      if (!sameBytes(bytes, end, size, channelEnd, channelSize))
        channel = bytes.toString('utf8', end - size, end);
      channelEnd = end;
      channelSize = size;
      const kind = entries[at + 2];
      if (kind !== kindText && kind !== kindBinary && kind !== kindJson) continue;
      const payloadEnd = entries[at + 3] as number;
      const payload = bytes.subarray(payloadEnd - (entries[at + 4] as number), payloadEnd);
      const key = keys?.get(at / 5) ?? null;
      if (kind === kindText) receive(channel, Publication.text(payload, time), key);
      else if (kind === kindBinary) receive(channel, Publication.binary(payload, time), key);
      else receive(channel, Publication.json(payload, time), key);
    }
  }

  #readFrame(): FrameVerdict {
    const reader = this.#reader;
    const elements = reader.array();
    if (elements < 4) throw new Malformed('the header is too short');
    const version = reader.unsigned();
    this.bootId = reader.text(maxBootIdBytes);
    this.shard = reader.unsigned();
    this.sequence = reader.unsigned();
    if (this.bootId === '' || this.sequence === 0) throw new Malformed('an empty boot id or sequence');
    if (version !== frameVersion) return 'unknown version';
    if (elements < 7) throw new Malformed('the frame is too short');
    this.nodeId = reader.text(maxNodeIdBytes);
    this.sentAt = reader.float();
    const count = reader.array();
    for (let i = 0; i < count; i += 1) this.#readEntry(i);
    for (let i = 7; i < elements; i += 1) reader.skip();
    if (!reader.atEnd) throw new Malformed('something follows the frame');
    this.count = count;
    return 'frame';
  }

  #readEntry(index: number): void {
    const reader = this.#reader;
    const elements = reader.array();
    if (elements < 3) throw new Malformed('a publication is too short');
    const at = index * 5;
    if (at + 5 > this.#entries.length) this.#growEntries();
    const channelSize = reader.textSize(maxChannelNameBytes);
    if (channelSize === 0) throw new Malformed('an empty channel name');
    this.#entries[at] = reader.position;
    this.#entries[at + 1] = channelSize;
    const kind = reader.unsigned();
    // A number from a frame may be larger than an entry holds, and must not come out of it as a known kind.
    this.#entries[at + 2] = Math.min(kind, largestKind);
    if (kind === kindText || kind === kindBinary || kind === kindJson) {
      const payloadSize = reader.binarySize(maxFrameBytes);
      this.#entries[at + 3] = reader.position;
      this.#entries[at + 4] = payloadSize;
    } else {
      this.unknownKinds += 1;
      reader.skip();
    }
    if (elements === 3) return;
    if (reader.next === 'text') this.#idempotencyKeys.set(index, reader.text(maxIdempotencyKeyBytes));
    else reader.skip();
    for (let i = 4; i < elements; i += 1) reader.skip();
  }

  #growEntries(): void {
    const larger = new Uint32Array(this.#entries.length * 2);
    larger.set(this.#entries);
    this.#entries = larger;
  }
}

function sameBytes(bytes: Buffer, endA: number, sizeA: number, endB: number, sizeB: number): boolean {
  if (sizeA !== sizeB) return false;
  for (let i = 1; i <= sizeA; i += 1) if (bytes[endA - i] !== bytes[endB - i]) return false;
  return true;
}
