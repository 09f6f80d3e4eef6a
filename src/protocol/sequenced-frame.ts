/**
 * The bytes of channels with history: the entry in which a batch of publications is kept, and the frame in which entries
 * travel to all nodes.
 *
 * An **entry** is one MessagePack array and holds publications of one channel that follow each other. It does not know
 * their offsets: it is written before they are assigned, and whoever keeps it keeps the offset of the last one beside it.
 *
 *     [version, time, [[kind, payload], …]]
 *
 * A **frame** carries entries of one shard, and in one text, beside them, the position that was assigned to the last
 * publication of each:
 *
 *     [version, shard, " epoch offset 0 epoch offset 0 …", [[channel, entry], …]]
 *
 * A frame is put together where offsets are assigned, which may be inside Redis, by joining what it begins with, the
 * positions, and the entries as a node has written them (`SequencedWriter`), which are not looked into. An entry that was not appended, because its idempotency key was there already, is left in: it has 1 in place of 0, and is
 * skipped. Arrays may grow at their end.
 *
 * | element | type             | meaning |
 * |---------|------------------|---------|
 * | version | uint             | 1, of entries and of frames |
 * | time    | float64          | when the oldest publication was taken, in milliseconds since 1970 |
 * | kind    | uint             | 0 text, 1 binary, 2 JSON |
 * | payload | bin              | the bytes as published |
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
import { MsgpackReader } from './msgpack-reader.ts';
import { MsgpackWriter } from './msgpack-writer.ts';

export const sequencedVersion = 1;

const kinds: readonly PublicationKind[] = ['text', 'binary', 'json'];

export const maxEpochBytes = 31;

/** More than a node puts together; a frame that was made to hold millions of empty ones is refused. */
export const maxSequencedPublications = 131_072;

/** A buffer that grew beyond this for a large payload is given back. */
const keepBytes = 262_144;

/** What one channel gets at once. */
export interface EntryContent {
  readonly channel: string;
  /** At least one. */
  readonly publications: readonly Publication[];
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

  /**
   * The last element of a frame in pieces, to be joined as they are: how it begins, and for each channel what stands before
   * the entry, and the entry.
   */
  entries(contents: readonly EntryContent[]): Buffer[] {
    const writer = this.#writer;
    const bounds = [0];
    writer.clear(keepBytes);
    writer.array(contents.length);
    for (const { channel, publications } of contents) {
      bounds.push(writer.length);
      writer.array(2);
      writer.text(channel);
      bounds.push(writer.length);
      this.#writeEntry(publications);
    }
    const bytes = writer.copy();
    return bounds.map((from, piece) => bytes.subarray(from, bounds[piece + 1]));
  }

  #writeEntry(publications: readonly Publication[]): void {
    const writer = this.#writer;
    writer.array(3);
    writer.unsigned(sequencedVersion);
    writer.float(publications[0]?.time ?? 0);
    writer.array(publications.length);
    for (const { kind, content } of publications) {
      writer.array(2);
      writer.unsigned(kinds.indexOf(kind));
      if (typeof content === 'string') writer.textAsBinary(content);
      else writer.binary(content);
    }
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
    if (duplicate !== '0' && duplicate !== '1') throw new Malformed('a position that cannot be');
    const publications = this.#entry();
    for (let i = 2; i < elements; i += 1) reader.skip();
    if (duplicate === '1') return null;
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
    const kind = kinds[reader.unsigned()];
    const size = reader.binarySize(maxFrameBytes);
    const payload = this.#bytes.subarray(reader.position - size, reader.position);
    for (let i = 2; i < elements; i += 1) reader.skip();
    if (kind === 'text') return Publication.text(payload, time);
    if (kind === 'binary') return Publication.binary(payload, time);
    if (kind === 'json') return Publication.json(payload, time);
    throw new Malformed('a publication of an unknown kind');
  }
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
