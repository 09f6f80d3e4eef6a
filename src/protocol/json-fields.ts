/**
 * The fields of a JSON message: the places of its known members in the frame, each of which is made when it is asked for.
 *
 * Of members that repeat a key the last counts, as with JSON.parse. Keys are only ever compared with the known ones, never
 * used as properties of an object.
 */
import type { Position } from '../channel/position.ts';
import { Publication } from '../channel/publication.ts';
import type { CommandFields } from './command.ts';
import type { JsonScanner } from './json-scanner.ts';
import { type CommandType, commandNumbers } from './message-numbers.ts';
import { maxChannelsPerCommand, maxJsonDepth, type Subscription } from './messages.ts';
import { type Asked, claimOf, subscriptionOf } from './subscription.ts';

/** Levels of what stands in a message besides its payload, as many as in MessagePack; those of this version have two. */
const maxFieldDepth = 7;

const fieldNames = [
  ...(['type', 'id', 'version', 'client', 'token'] as const),
  ...(['channels', 'channel', 'json', 'text', 'binary', 'idempotencyKey', 'key', 'deleted'] as const),
];
type FieldName = (typeof fieldNames)[number];

const knownFields: ReadonlyMap<string, FieldName> = new Map(fieldNames.map((name) => [name, name]));
const knownTypes: ReadonlySet<string> = new Set(Object.keys(commandNumbers));

const quote = 0x22;

interface Place {
  readonly start: number;
  readonly end: number;
  /** Levels of arrays and objects. */
  readonly depth: number;
}

export class JsonFields implements CommandFields {
  readonly #scanner: JsonScanner;
  readonly #frame: string;
  readonly #places = new Map<FieldName, Place>();

  constructor(scanner: JsonScanner, frame: string) {
    this.#scanner = scanner;
    this.#frame = frame;
  }

  /** Moves the scanner behind the message that it stands at. */
  read(): void {
    const scanner = this.#scanner;
    this.#places.clear();
    scanner.object((key) => {
      const name = knownFields.get(key);
      const start = scanner.position;
      // A payload that is too deep is a mistake that is answered, so it is read to its end all the same.
      const depth = scanner.pass(name === 'json' ? Number.POSITIVE_INFINITY : maxFieldDepth);
      if (name !== undefined) this.#places.set(name, { start, end: scanner.position, depth });
    });
  }

  type(): CommandType | 'unknown' | null | undefined {
    const place = this.#places.get('type');
    const type = place && this.#contentOf(place);
    if (typeof type !== 'string') return type;
    return knownTypes.has(type) ? (type as CommandType) : 'unknown';
  }

  wholeNumber(field: 'id' | 'version'): number | null | undefined {
    const place = this.#places.get(field);
    if (place === undefined) return undefined;
    const value = this.#numberOf(place);
    // Without the sign of −0.
    return value !== null && Number.isSafeInteger(value) && value >= 0 ? Math.abs(value) : null;
  }

  #numberOf(place: Place): number | null {
    // Of what JSON allows, only numbers are numbers to JavaScript too, except for these.
    const text = this.#frame.slice(place.start, place.end);
    return /^[-0-9]/.test(text) ? Number(text) : null;
  }

  text(field: 'client' | 'token' | 'channel' | 'idempotencyKey' | 'key'): string | null | undefined {
    return this.#stringOf(this.#places.get(field));
  }

  channels(): readonly string[] | null | undefined {
    // What else stands with a channel means nothing here, whatever it is.
    return this.#list((asked) => (typeof asked.channel === 'string' ? asked.channel : null));
  }

  subscriptions(): readonly Subscription[] | null | undefined {
    return this.#list(subscriptionOf);
  }

  /** What is made of each entry of `channels`; null if it cannot be made of one of them, or there are none or too many. */
  #list<T>(make: (asked: Asked) => T | null): readonly T[] | null | undefined {
    const place = this.#places.get('channels');
    if (place === undefined) return undefined;
    if (this.#frame[place.start] !== '[') return null;
    const scanner = this.#scanner;
    const behind = scanner.position;
    const made: (T | null)[] = [];
    scanner.open(this.#frame, place.start);
    scanner.array(() => {
      // One more than allowed is enough to know.
      if (made.length > maxChannelsPerCommand) scanner.pass(maxFieldDepth);
      else made.push(make(this.#asked()));
    });
    scanner.open(this.#frame, behind);
    if (made.length === 0 || made.length > maxChannelsPerCommand) return null;
    return made.every((each) => each !== null) ? (made as T[]) : null;
  }

  publication(time: number): Publication | string {
    const [json, text, binary] = [
      this.#places.get('json'),
      this.#places.get('text'),
      this.#places.get('binary'),
    ];
    if (Number(json !== undefined) + Number(text !== undefined) + Number(binary !== undefined) !== 1)
      return 'a publication has exactly one of json, text and binary';
    if (json !== undefined) {
      if (json.depth > maxJsonDepth) return `json must be at most ${maxJsonDepth} levels deep`;
      return Publication.json(this.#frame.slice(json.start, json.end), time);
    }
    if (text !== undefined) {
      const content = this.#contentOf(text);
      if (content === null) return 'text must be a string';
      return content.isWellFormed()
        ? Publication.text(content, time)
        : 'text must not contain a lone surrogate';
    }
    const base64 = this.#stringOf(binary);
    if (typeof base64 !== 'string') return 'binary must be a string of base64';
    const content = Buffer.from(base64, 'base64');
    // Node.js reads much as base64. What is base64 comes out again as it went in: alphabet, padding and unused bits.
    return content.toString('base64') === base64
      ? Publication.binary(content, time)
      : 'binary must be base64 with padding';
  }

  deletes(): boolean | null {
    const place = this.#places.get('deleted');
    const said = place === undefined ? 'false' : this.#frame.slice(place.start, place.end);
    return said === 'true' ? true : said === 'false' ? false : null;
  }

  hasPayload(): boolean {
    return (['json', 'text', 'binary'] as const).some((kind) => this.#places.has(kind));
  }

  /** An entry of `channels`, at which the scanner stands: a name, or an object with one. */
  #asked(): Asked {
    const scanner = this.#scanner;
    const asked: Asked = { channel: undefined, since: undefined, last: undefined };
    if (this.#frame[scanner.position] !== '{') {
      asked.channel = this.#stringOf(this.#pass());
      return asked;
    }
    scanner.object((key) => {
      if (key === 'since') asked.since = this.#claim();
      else {
        const place = this.#pass();
        if (key === 'channel') asked.channel = this.#stringOf(place);
        else if (key === 'last') asked.last = this.#numberOf(place);
      }
    });
    return asked;
  }

  /** The position at which the scanner stands; null for anything else. */
  #claim(): Position | null {
    const scanner = this.#scanner;
    if (this.#frame[scanner.position] !== '{') {
      this.#pass();
      return null;
    }
    let [epoch, offset]: [string | null | undefined, number | null | undefined] = [undefined, undefined];
    scanner.object((key) => {
      const place = this.#pass();
      if (key === 'epoch') epoch = this.#stringOf(place);
      else if (key === 'offset') offset = this.#numberOf(place);
    });
    return claimOf(epoch, offset);
  }

  /** Moves behind a value. */
  #pass(): Place {
    const start = this.#scanner.position;
    const depth = this.#scanner.pass(maxFieldDepth);
    return { start, end: this.#scanner.position, depth };
  }

  /**
   * A string of its own. A slice of the frame would be quicker, but keeps the whole frame in memory for as long as
   * somebody keeps, say, the name of a channel.
   */
  #stringOf(place: Place | undefined): string | null | undefined {
    if (place === undefined) return undefined;
    if (this.#frame.charCodeAt(place.start) !== quote) return null;
    return JSON.parse(this.#frame.slice(place.start, place.end)) as string;
  }

  /** A string that is not kept for longer than the frame: a slice of it if nothing is escaped. */
  #contentOf(place: Place): string | null {
    if (this.#frame.charCodeAt(place.start) !== quote) return null;
    const content = this.#frame.slice(place.start + 1, place.end - 1);
    return content.includes('\\') ? (JSON.parse(`"${content}"`) as string) : content;
  }
}
