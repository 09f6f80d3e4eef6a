/**
 * Publications out of the body of a request, which nobody vouches for.
 *
 * A JSON payload is the span of the body in which it stands, never made and written again, so its bytes are its
 * publisher's. Nothing here publishes: a body is read to its end before anything of it may be.
 */
import { Publication } from '../../channel/publication.ts';
import { idempotencyKeyRule, isIdempotencyKey, readPublication } from '../../protocol/command.ts';
import { JsonFields } from '../../protocol/json-fields.ts';
import { JsonScanner } from '../../protocol/json-scanner.ts';
import { Malformed } from '../../protocol/malformed.ts';
import { maxJsonDepth } from '../../protocol/messages.ts';
import { MsgpackFields } from '../../protocol/msgpack-fields.ts';
import { MsgpackReader } from '../../protocol/msgpack-reader.ts';
import { type Refusal, refuse } from './api-error.ts';
import { maxBatch, publishSchema } from './schemas.ts';

/** One publication and where it goes; the channel's name is not checked yet. */
export interface Entry {
  readonly channel: string;
  readonly publication: Publication;
  readonly idempotencyKey: string | null;
}

/** What a body holds, or why it is refused, with the place of the publication that is to blame in its batch. */
export type Reading =
  | { readonly entries: readonly Entry[]; readonly isBatch: boolean }
  | { readonly refusal: Refusal; readonly index: number | null };

/** The command's type and id, which the API's form of a publication leaves out. */
const elementsLeftOut = 2;

const usualStart = '{"channel":"';
const usualMiddle = '","json":';
/** A string that stands for itself: no escapes, and no control characters, which JSON does not allow. */
const plain = /^[^\\\p{Cc}]*$/u;
const braceClose = 0x7d;
/** A payload that is shorter cannot be too deep: each level takes two characters. */
const shortLength = 2 * (maxJsonDepth + 1);

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

export class PublicationReader {
  readonly #scanner = new JsonScanner();
  readonly #msgpack = new MsgpackReader();

  /** A publication or a batch as JSON. */
  json(body: Uint8Array, time: number): Reading {
    const text = decode(body);
    if (text === null) return refused('bad_request', 'the body is not UTF-8');
    const usual = usualEntry(text, time);
    if (usual !== null) return { entries: [usual], isBatch: false };
    try {
      // The word may also stand in a payload, so it is only a reason to look.
      const batch = text.includes('"publications"') ? this.#batch(text, time) : null;
      return batch ?? this.#single(text, time);
    } catch (error) {
      if (error instanceof Malformed) return refused('bad_request', flawOf(text));
      throw error;
    }
  }

  /** `[channel, payload, idempotencyKey, key]`, where the last two may be absent, or an array of such. */
  msgpack(body: Uint8Array, time: number): Reading {
    const bytes = Buffer.from(body.buffer, body.byteOffset, body.byteLength);
    const reader = this.#msgpack;
    reader.open(bytes);
    const fields = new MsgpackFields(reader, bytes, elementsLeftOut);
    try {
      const count = reader.array();
      const isBatch = count > 0 && reader.next === 'array';
      if (!isBatch) reader.open(bytes);
      else if (count > maxBatch) return tooMany();
      const entries: Entry[] = [];
      for (let i = 0; i < (isBatch ? count : 1); i += 1) {
        fields.read();
        const entry = entryOf(fields, time);
        if ('error' in entry) return { refusal: entry, index: isBatch ? i : null };
        entries.push(entry);
      }
      if (!reader.atEnd) return refused('bad_request', 'something follows the publications');
      return { entries, isBatch };
    } catch (error) {
      if (error instanceof Malformed)
        return refused(
          'bad_request',
          'the body is not MessagePack, or not [channel, payload] or an array of such',
        );
      throw error;
    }
  }

  #single(text: string, time: number): Reading {
    const fields = this.#open(text);
    fields.read();
    this.#end();
    const entry = entryOf(fields, time);
    return 'error' in entry ? { refusal: entry, index: null } : { entries: [entry], isBatch: false };
  }

  /** Null if there is no batch. */
  #batch(text: string, time: number): Reading | null {
    const fields = this.#open(text);
    const scanner = this.#scanner;
    const entries: Entry[] = [];
    let found = false;
    let refusal: Refusal | null = null;
    scanner.object((key) => {
      if (key !== 'publications') {
        scanner.pass(Number.POSITIVE_INFINITY);
        return;
      }
      // Of members that repeat a key the last counts.
      found = true;
      entries.length = 0;
      refusal = null;
      scanner.array(() => {
        fields.read();
        if (refusal !== null) return;
        const entry = entries.length < maxBatch ? entryOf(fields, time) : tooMany().refusal;
        if ('error' in entry) refusal = entry;
        else entries.push(entry);
      });
    });
    this.#end();
    if (!found) return null;
    if (refusal !== null) return { refusal, index: entries.length < maxBatch ? entries.length : null };
    return entries.length === 0
      ? refused('bad_request', 'a batch has at least one publication')
      : { entries, isBatch: true };
  }

  #open(text: string): JsonFields {
    this.#scanner.open(text);
    this.#scanner.passSpace();
    return new JsonFields(this.#scanner, text);
  }

  #end(): void {
    this.#scanner.passSpace();
    if (!this.#scanner.atEnd) throw new Malformed('something follows');
  }
}

/**
 * What JSON.stringify makes of `{ channel, json }` with a short payload: the commonest body by far, for which the runtime's
 * own parser is the quickest check. What stands between the known start and the last brace is one value if that takes it;
 * anything else, with or without a flaw, is left to the scanner (null).
 */
function usualEntry(text: string, time: number): Entry | null {
  if (!text.startsWith(usualStart)) return null;
  const channelEnd = text.indexOf('"', usualStart.length);
  const start = channelEnd + usualMiddle.length;
  const end = text.length - 1;
  if (end - start >= shortLength || text.charCodeAt(end) !== braceClose) return null;
  if (!text.startsWith(usualMiddle, channelEnd)) return null;
  const channel = text.slice(usualStart.length, channelEnd);
  const json = text.slice(start, end);
  if (!plain.test(channel) || json.trim() !== json || !isJson(json)) return null;
  return { channel, publication: Publication.json(json, time), idempotencyKey: null };
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

function entryOf(fields: JsonFields | MsgpackFields, time: number): Entry | Refusal {
  const channel = fields.text('channel');
  if (typeof channel !== 'string') return refuse('bad_request', 'channel must be a string');
  const publication = readPublication(fields, time);
  if ('error' in publication) return refuse(publication.error, publication.message);
  const idempotencyKey = fields.text('idempotencyKey');
  if (!isIdempotencyKey(idempotencyKey)) return refuse('bad_request', idempotencyKeyRule);
  return { channel, publication, idempotencyKey: idempotencyKey ?? null };
}

function refused(...[error, message, options]: Parameters<typeof refuse>): {
  refusal: Refusal;
  index: null;
} {
  return { refusal: refuse(error, message, options), index: null };
}

function tooMany() {
  return refused('bad_request', `a batch has at most ${maxBatch} publications`, { status: 413 });
}

function decode(body: Uint8Array): string | null {
  try {
    return utf8.decode(body);
  } catch {
    return null;
  }
}

/** In words, what is wrong with a body that could not be read. */
function flawOf(text: string): string {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return 'the body is not JSON';
  }
  const [issue] = publishSchema.safeParse(value).error?.issues ?? [];
  return `the body is not {"channel": …, "json": …} nor {"publications": […]}${issue === undefined ? '' : `: ${issue.message}`}`;
}
