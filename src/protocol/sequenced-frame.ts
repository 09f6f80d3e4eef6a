/**
 * The bytes of channels with history: the entry in which a batch of publications is kept, and the frame in which entries
 * travel to all nodes.
 *
 * An **entry** is one MessagePack array and holds publications of one channel that follow each other. It does not know
 * their offsets: it is written before they are assigned, and whoever keeps it keeps the offset of the last one beside it.
 *
 *     [version, time, [[kind, payload], [kind, payload, key], …]]
 *
 * A **frame** carries entries of one shard, and in one text, beside them, the position that was assigned to the last
 * publication of each:
 *
 *     [version, shard, " epoch offset 0 epoch offset 0 …", [[channel, entry], …]]
 *
 * A frame is put together where offsets are assigned, which may be inside Redis, by joining what it begins with, the
 * positions, and the entries as a node has written them (`SequencedWriter`), which are not looked into. An entry that was not appended is left in and skipped: it has something else in place of 0, 1 if its
 * idempotency key was there already, 2 or 3 if there was no room for its keys. Arrays may grow at their end.
 *
 * A frame without entries says that a new generation of the shard has begun: what anybody knows of its channels is doubtful.
 *
 * | element | type             | meaning |
 * |---------|------------------|---------|
 * | version | uint             | 1, of entries and of frames |
 * | time    | float64          | when the oldest publication was taken, in milliseconds since 1970 |
 * | kind    | uint             | 0 text, 1 binary, 2 JSON, 3 a deletion, which has a key |
 * | payload | bin              | the bytes as published; of a deletion none |
 * | key     | str, 1–128 characters | absent if there is none |
 * | shard   | uint             | the shard of all its channels |
 * | channel | str, 1–200 bytes | |
 * | epoch   | 1–31 bytes       | |
 * | offset  | digits           | of the last publication: a whole number from 1 to 2^53 − 1 |
 *
 * Neither is trusted. A publication of an unknown kind makes its entry malformed: it has an offset, so leaving it out would
 * be a loss that nobody notices.
 */
import { isChannelName, maxChannelNameBytes } from '../channel/channel-name.ts';
import type { SequencedBatch } from '../channel/position.ts';
import { Publication, type PublicationKind } from '../channel/publication.ts';
import { maxFrameBytes } from './bridge-frame.ts';
import { Malformed } from './malformed.ts';
import { maxKeyLength } from './messages.ts';
import { MsgpackReader } from './msgpack-reader.ts';
import { MsgpackWriter } from './msgpack-writer.ts';

const sequencedVersion = 1;

export const sequencedKinds: readonly PublicationKind[] = ['text', 'binary', 'json', 'deleted'];

/** A UTF-16 unit is at most three bytes. */
const maxKeyBytes = 3 * maxKeyLength;

/** Where the time of an entry stands in its bytes: it begins behind the headers of the array and the number. */
export const entryTimeAt = 3;

export const maxEpochBytes = 31;

/** More than a node puts together; a frame that was made to hold millions of empty ones is refused. */
const maxSequencedPublications = 131_072;

/** A buffer that grew beyond this for a large payload is given back. */
const keepBytes = 262_144;

/** What one channel gets at once. */
export interface EntryContent {
  readonly channel: string;
  /** At least one. */
  readonly publications: readonly Publication[];
}

/** Where in the bytes of an entry a publication with a key stands: from `…Start` up to, without, `…End`. */
export interface KeyedPlace {
  /** Which of the publications of the entry it is, from 0. */
  readonly index: number;
  readonly kind: PublicationKind;
  readonly key: string;
  readonly keyStart: number;
  readonly keyEnd: number;
  readonly payloadStart: number;
  readonly payloadEnd: number;
}

/** The last element of a frame, to be joined as it is, and what somebody who does not read entries must know of them. */
export interface WrittenEntries {
  /** How it begins, and for each channel what stands before the entry, and the entry. */
  readonly pieces: readonly Buffer[];
  /** By entry. */
  readonly keyed: readonly (readonly KeyedPlace[])[];
}

/** Writes entries, and the parts of frames that do not depend on offsets. */
export class SequencedWriter {
  readonly #writer = new MsgpackWriter();

  /** @param publications at least one */
  entry(publications: readonly Publication[]): Buffer {
    this.#writer.clear(keepBytes);
    this.#writeEntry(publications);
    return this.#writer.copy();
  }

  /** What a frame begins with; the positions, as text with 32 bits of length, and the entries follow. */
  frameStart(shard: number): Buffer {
    const writer = this.#writer;
    writer.clear(keepBytes);
    writer.array(4);
    writer.unsigned(sequencedVersion);
    writer.unsigned(shard);
    return writer.copy();
  }

  /** A whole frame, without entries. */
  generationFrame(shard: number): Buffer {
    const writer = this.#writer;
    writer.clear(keepBytes);
    writer.array(4);
    writer.unsigned(sequencedVersion);
    writer.unsigned(shard);
    writer.text('');
    writer.array(0);
    return writer.copy();
  }

  entries(contents: readonly EntryContent[]): WrittenEntries {
    const writer = this.#writer;
    const bounds = [0];
    const keyed: KeyedPlace[][] = [];
    writer.clear(keepBytes);
    writer.array(contents.length);
    for (const { channel, publications } of contents) {
      bounds.push(writer.length);
      writer.array(2);
      writer.text(channel);
      bounds.push(writer.length);
      keyed.push(this.#writeEntry(publications));
    }
    const bytes = writer.copy();
    return { pieces: bounds.map((from, piece) => bytes.subarray(from, bounds[piece + 1])), keyed };
  }

  /** A whole frame with one batch. */
  frame(shard: number, channel: string, { epoch, offset, publications }: SequencedBatch): Buffer {
    const writer = this.#writer;
    writer.clear(keepBytes);
    writer.array(4);
    writer.unsigned(sequencedVersion);
    writer.unsigned(shard);
    writer.text(` ${epoch} ${offset} 0`);
    writer.array(1);
    writer.array(2);
    writer.text(channel);
    this.#writeEntry(publications);
    return writer.copy();
  }

  #writeEntry(publications: readonly Publication[]): KeyedPlace[] {
    const writer = this.#writer;
    const start = writer.length;
    const keyed: KeyedPlace[] = [];
    writer.array(3);
    writer.unsigned(sequencedVersion);
    writer.float(publications[0]?.time ?? 0);
    writer.array(publications.length);
    for (const [index, { kind, content, key }] of publications.entries()) {
      writer.array(key === null ? 2 : 3);
      writer.unsigned(sequencedKinds.indexOf(kind));
      const payloadSize = typeof content === 'string' ? writer.textAsBinary(content) : writer.binary(content);
      if (key === null) continue;
      const payloadEnd = writer.length - start;
      const keySize = writer.text(key);
      const keyEnd = writer.length - start;
      keyed.push({
        ...{ index, kind, key },
        ...{ keyStart: keyEnd - keySize, keyEnd },
        ...{ payloadStart: payloadEnd - payloadSize, payloadEnd },
      });
    }
    return keyed;
  }
}

/** An entry that a frame carried. */
export interface ReceivedEntry {
  readonly channel: string;
  readonly batch: SequencedBatch;
}

export interface SequencedFrame {
  readonly shard: number;
  readonly entries: readonly ReceivedEntry[];
}

export class SequencedReader {
  readonly #reader = new MsgpackReader();
  #bytes: Buffer = Buffer.alloc(0);
  #count = 0;

  /** The publications of an entry, views of its bytes; null for anything that is not an entry of this version. */
  entry(bytes: Buffer): Publication[] | null {
    return this.#read(bytes, () => this.#entry());
  }

  /** Everything in a frame, or null if anything in it is wrong. Payloads are views of its bytes. */
  frame(bytes: Buffer): SequencedFrame | null {
    return this.#read(bytes, () => this.#frame());
  }

  #read<T>(bytes: Buffer, read: () => T): T | null {
    if (bytes.length > maxFrameBytes) return null;
    this.#bytes = bytes;
    this.#count = 0;
    this.#reader.open(bytes);
    try {
      const result = read();
      return this.#reader.atEnd ? result : null;
    } catch (error) {
      if (error instanceof Malformed) return null;
      throw error;
    }
  }

  #frame(): SequencedFrame {
    const reader = this.#reader;
    const elements = reader.array();
    if (elements < 4 || reader.unsigned() !== sequencedVersion) throw new Malformed('an unknown version');
    const shard = reader.unsigned();
    const positions = new Positions(reader.text(maxFrameBytes));
    const entries: ReceivedEntry[] = [];
    for (let left = reader.array(); left > 0; left -= 1) {
      const entry = this.#receivedEntry(positions);
      if (entry !== null) entries.push(entry);
    }
    if (!positions.atEnd) throw new Malformed('more positions than entries');
    for (let i = 4; i < elements; i += 1) reader.skip();
    return { shard, entries };
  }

  /** Null if it was not appended. */
  #receivedEntry(positions: Positions): ReceivedEntry | null {
    const reader = this.#reader;
    const elements = reader.array();
    if (elements < 2) throw new Malformed('an entry is too short');
    const channel = reader.text(maxChannelNameBytes);
    if (!isChannelName(channel)) throw new Malformed('an entry without channel');
    const epoch = positions.word();
    const offset = Number(positions.word());
    const duplicate = positions.word();
    if (epoch === '' || epoch.length > maxEpochBytes) throw new Malformed('an entry without epoch');
    if (!/^[0-3]$/.test(duplicate)) throw new Malformed('a position that cannot be');
    const publications = this.#entry();
    for (let i = 2; i < elements; i += 1) reader.skip();
    if (duplicate !== '0') return null;
    if (!Number.isSafeInteger(offset) || offset < publications.length)
      throw new Malformed('an offset that cannot be');
    return { channel, batch: { epoch, offset, publications } };
  }

  #entry(): Publication[] {
    const reader = this.#reader;
    const elements = reader.array();
    if (elements < 3 || reader.unsigned() !== sequencedVersion) throw new Malformed('an unknown version');
    // The clock of whoever wrote it is not trusted either.
    const time = Math.min(Math.max(Math.round(reader.float()), 0), Number.MAX_SAFE_INTEGER);
    const publications: Publication[] = [];
    for (let left = reader.array(); left > 0; left -= 1) publications.push(this.#publication(time));
    if (publications.length === 0) throw new Malformed('an entry without publications');
    for (let i = 3; i < elements; i += 1) reader.skip();
    return publications;
  }

  #publication(time: number): Publication {
    const reader = this.#reader;
    const elements = reader.array();
    if (elements < 2) throw new Malformed('a publication is too short');
    this.#count += 1;
    if (this.#count > maxSequencedPublications) throw new Malformed('too many publications');
    const kind = sequencedKinds[reader.unsigned()];
    const size = reader.binarySize(maxFrameBytes);
    const payload = this.#bytes.subarray(reader.position - size, reader.position);
    const key = elements > 2 && reader.next === 'text' ? reader.text(maxKeyBytes) : null;
    for (let i = key === null ? 2 : 3; i < elements; i += 1) reader.skip();
    if (kind === undefined) throw new Malformed('a publication of an unknown kind');
    const publication = publicationOf(kind, payload, key, time);
    if (publication === null) throw new Malformed('a key that cannot be');
    return publication;
  }
}

/** Null if that cannot be: a key is 1 to 128 characters, and what is deleted has one. */
export function publicationOf(
  kind: PublicationKind,
  payload: Uint8Array,
  key: string | null,
  time: number,
): Publication | null {
  if (key !== null && (key.length === 0 || key.length > maxKeyLength)) return null;
  if (kind === 'deleted') return key === null ? null : Publication.deletion(key, time);
  const publication =
    kind === 'text'
      ? Publication.text(payload, time)
      : kind === 'binary'
        ? Publication.binary(payload, time)
        : Publication.json(payload, time);
  return key === null ? publication : publication.withKey(key);
}

/** The words of a text, each with a space before it; one after the other, so that nothing is made of a text full of spaces. */
class Positions {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  get atEnd(): boolean {
    return this.#at >= this.#text.length;
  }

  /** Empty behind the last one. */
  word(): string {
    const from = this.#at + 1;
    const end = this.#text.indexOf(' ', from);
    this.#at = end === -1 ? this.#text.length : end;
    return this.#text.slice(from, this.#at);
  }
}
