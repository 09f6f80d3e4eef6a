/**
 * The fields of a JSON message: the places of its known members in the frame, each of which is made when it is asked for.
 *
 * Of members that repeat a key the last counts, as with JSON.parse. Keys are only ever compared with the known ones, never
 * used as properties of an object.
 */
import { Publication } from '../channel/publication.ts';
import type { CommandFields } from './command.ts';
import type { JsonScanner } from './json-scanner.ts';
import { type CommandType, commandNumbers } from './message-numbers.ts';
import { maxChannelsPerCommand, maxJsonDepth } from './messages.ts';

/** Levels of what stands in a message besides its payload, as many as in MessagePack; those of this version have two. */
const maxFieldDepth = 7;

const fieldNames = [
  ...(['type', 'id', 'version', 'client', 'token'] as const),
  ...(['channels', 'channel', 'json', 'text', 'binary'] as const),
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
    // Of what JSON allows, only numbers are numbers to JavaScript too, except for these.
    const text = this.#frame.slice(place.start, place.end);
    if (!/^[-0-9]/.test(text)) return null;
    const value = Number(text);
    // Without the sign of −0.
    return Number.isSafeInteger(value) && value >= 0 ? Math.abs(value) : null;
  }

  text(field: 'client' | 'token' | 'channel'): string | null | undefined {
    return this.#stringOf(this.#places.get(field));
  }

  channels(): readonly string[] | null | undefined {
    const place = this.#places.get('channels');
    if (place === undefined) return undefined;
    if (this.#frame[place.start] !== '[') return null;
    const scanner = this.#scanner;
    const behind = scanner.position;
    const channels: (string | null | undefined)[] = [];
    scanner.open(this.#frame, place.start);
    scanner.array(() => {
      // One more than allowed is enough to know.
      if (channels.length > maxChannelsPerCommand) scanner.pass(maxFieldDepth);
      else channels.push(this.#channelOf());
    });
    scanner.open(this.#frame, behind);
    if (channels.length === 0 || channels.length > maxChannelsPerCommand) return null;
    return channels.every((channel) => typeof channel === 'string') ? channels : null;
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

  /** The channel of an entry of `channels`, at which the scanner stands: a name, or an object with one. */
  #channelOf(): string | null | undefined {
    const scanner = this.#scanner;
    const start = scanner.position;
    if (this.#frame[start] !== '{') {
      const depth = scanner.pass(maxFieldDepth);
      return this.#stringOf({ start, end: scanner.position, depth });
    }
    let channel: string | null | undefined;
    scanner.object((key) => {
      const at = scanner.position;
      const depth = scanner.pass(maxFieldDepth);
      if (key === 'channel') channel = this.#stringOf({ start: at, end: scanner.position, depth });
    });
    return channel;
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
