/**
 * The fields of a MessagePack message: the places of its elements in the frame, each of which is read when it is asked for.
 *
 * `nil` is an absent field. A str that is not UTF-8 is no text. Whole numbers may come in any of the types for numbers, as
 * clients' libraries choose them by rules of their own.
 */
import { isUtf8 } from 'node:buffer';
import type { Position } from '../channel/position.ts';
import { Publication } from '../channel/publication.ts';
import type { CommandFields } from './command.ts';
import { JsonScanner } from './json-scanner.ts';
import { Malformed } from './malformed.ts';
import { type CommandType, commandNumbers, jsonExtensionType } from './message-numbers.ts';
import { maxChannelsPerCommand, maxJsonDepth, type Subscription } from './messages.ts';
import type { MsgpackReader } from './msgpack-reader.ts';
import { type Asked, claimOf, subscriptionOf } from './subscription.ts';

/** Where in a message a field stands, whatever its type; some share a position. */
const positions = {
  ...{ type: 0, id: 1 },
  ...{ version: 2, client: 3, token: 4 },
  ...{ channels: 2 },
  ...{ channel: 2, payload: 3, idempotencyKey: 4, key: 5 },
} as const;
type FieldName = keyof typeof positions;

const fieldCount = 6;

const commandTypes: ReadonlyMap<number, CommandType> = new Map(
  Object.entries(commandNumbers).map(([type, number]) => [number, type as CommandType]),
);

export class MsgpackFields implements CommandFields {
  readonly #reader: MsgpackReader;
  readonly #frame: Buffer;
  readonly #scanner = new JsonScanner();
  /** Where the elements begin, as many as there are and are known. */
  readonly #starts: number[] = [];

  /** Elements that the form of a message leaves out at its start. */
  readonly #leftOut: number;

  constructor(reader: MsgpackReader, frame: Buffer, leftOut = 0) {
    this.#reader = reader;
    this.#frame = frame;
    this.#leftOut = leftOut;
  }

  /** Moves the reader behind the message that it stands at. */
  read(): void {
    const reader = this.#reader;
    const elements = reader.array();
    this.#starts.length = 0;
    for (let i = 0; i < elements; i += 1) {
      if (i < fieldCount) this.#starts.push(reader.position);
      reader.skip();
    }
  }

  type(): CommandType | 'unknown' | null | undefined {
    const number = this.wholeNumber('type');
    return typeof number === 'number' ? (commandTypes.get(number) ?? 'unknown') : number;
  }

  wholeNumber(field: 'type' | 'id' | 'version'): number | null | undefined {
    return this.#at(field, () => {
      const value = this.#number();
      // Without the sign of −0.
      return value !== null && Number.isSafeInteger(value) && value >= 0 ? Math.abs(value) : null;
    });
  }

  text(field: 'client' | 'token' | 'channel' | 'idempotencyKey' | 'key'): string | null | undefined {
    return this.#at(field, () => this.#text());
  }

  channels(): readonly string[] | null | undefined {
    // What else stands with a channel means nothing here, whatever it is.
    return this.#list(({ channel }) => (typeof channel === 'string' ? channel : null));
  }

  subscriptions(): readonly Subscription[] | null | undefined {
    return this.#list(subscriptionOf);
  }

  /** What is made of each entry of `channels`; null if it cannot be made of one of them, or there are none or too many. */
  #list<T>(make: (asked: Asked) => T | null): readonly T[] | null | undefined {
    return this.#at('channels', () => {
      const reader = this.#reader;
      if (reader.next !== 'array') return null;
      const count = reader.array();
      if (count === 0 || count > maxChannelsPerCommand) return null;
      const made: T[] = [];
      for (let i = 0; i < count; i += 1) {
        const each = make(this.#asked());
        if (each === null) return null;
        made.push(each);
      }
      return made;
    });
  }

  publication(time: number): Publication | string {
    return this.#at('payload', () => this.#publication(time)) ?? 'a publication has a payload';
  }

  /** A key without a payload. */
  deletes(): boolean {
    return !this.hasPayload() && this.#at('key', () => true) === true;
  }

  hasPayload(): boolean {
    return this.#at('payload', () => true) === true;
  }

  #publication(time: number): Publication | string {
    const reader = this.#reader;
    switch (reader.next) {
      case 'text': {
        const content = this.#last(reader.textSize(this.#frame.length));
        return isUtf8(content) ? Publication.text(content, time) : 'text must be UTF-8';
      }
      case 'binary':
        return Publication.binary(this.#last(reader.binarySize(this.#frame.length)), time);
      case 'extension': {
        const size = reader.extensionSize(jsonExtensionType);
        if (size < 0) return 'there is no payload of this extension type';
        const content = this.#last(size);
        const flaw = this.#flawOfJson(content);
        return flaw ?? Publication.json(content, time);
      }
      default:
        return 'a payload is a str, a bin or an extension';
    }
  }

  #flawOfJson(content: Buffer): string | null {
    if (!isUtf8(content)) return 'json must be UTF-8';
    const scanner = this.#scanner;
    // The bytes one by one: beyond ASCII there is nothing that JSON gives a meaning to, and in any text it may stand.
    scanner.open(content.toString('latin1'));
    try {
      scanner.passSpace();
      const depth = scanner.pass(Number.POSITIVE_INFINITY);
      scanner.passSpace();
      if (!scanner.atEnd) return 'something follows the json';
      return depth > maxJsonDepth ? `json must be at most ${maxJsonDepth} levels deep` : null;
    } catch (error) {
      if (error instanceof Malformed) return 'json must be valid JSON';
      throw error;
    }
  }

  /** An entry of `channels`: a name, or an array that begins with one. */
  #asked(): Asked {
    const reader = this.#reader;
    const asked: Asked = { channel: undefined, since: undefined, last: undefined };
    const elements = reader.next === 'array' ? reader.array() : null;
    if (elements === null || elements > 0) asked.channel = this.#text();
    if (elements === null) return asked;
    if (elements > 1) asked.since = this.#optional(() => this.#claim());
    if (elements > 2) asked.last = this.#optional(() => this.#number());
    for (let i = 3; i < elements; i += 1) reader.skip();
    return asked;
  }

  /** A position; null for anything else. The reader moves behind it. */
  #claim(): Position | null {
    const reader = this.#reader;
    if (reader.next !== 'array') {
      reader.skip();
      return null;
    }
    const elements = reader.array();
    if (elements === 0) return null;
    const epoch = this.#text();
    const offset = elements > 1 ? this.#number() : null;
    for (let i = 2; i < elements; i += 1) reader.skip();
    return claimOf(epoch, offset);
  }

  #number(): number | null {
    if (this.#reader.next === 'number') return this.#reader.number();
    this.#reader.skip();
    return null;
  }

  #optional<T>(read: () => T): T | undefined {
    if (this.#reader.next !== 'nil') return read();
    this.#reader.skip();
    return undefined;
  }

  /** A text; the reader moves behind whatever it is. */
  #text(): string | null {
    if (this.#reader.next !== 'text') {
      this.#reader.skip();
      return null;
    }
    const bytes = this.#last(this.#reader.textSize(this.#frame.length));
    return isUtf8(bytes) ? bytes.toString('utf8') : null;
  }

  /** The bytes before the position of the reader. */
  #last(size: number): Buffer {
    const end = this.#reader.position;
    return this.#frame.subarray(end - size, end);
  }

  /** Reads a field and comes back; undefined for a field that is absent. */
  #at<T>(field: FieldName, read: () => T): T | undefined {
    const start = this.#starts[positions[field] - this.#leftOut];
    if (start === undefined) return undefined;
    const reader = this.#reader;
    const behind = reader.position;
    reader.seek(start);
    const value = reader.next === 'nil' ? undefined : read();
    reader.seek(behind);
    return value;
  }
}
