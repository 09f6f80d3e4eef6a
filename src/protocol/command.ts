/**
 * What makes a command of the fields of a message, whichever codec found them: the two forms cannot mean different things,
 * because the rules stand here once.
 */
import { Publication } from '../channel/publication.ts';
import type { ErrorName } from './error-codes.ts';
import type { CommandType } from './message-numbers.ts';
import {
  type Command,
  type Mistake,
  maxChannelsPerCommand,
  maxClientNameBytes,
  maxKeyLength,
  maxTokenBytes,
  type Subscription,
} from './messages.ts';

/** Characters of an idempotency key. */
export const maxIdempotencyKeyLength = 128;

/** Messages in one frame. Without a limit, a frame of 64 KiB could hold 65,536 that are each answered with an error. */
export const maxMessagesPerFrame = 1_000;

/**
 * The fields of one message that nobody vouches for, each read when it is asked for. `undefined` is a field that is
 * absent, `null` one that is not what it must be.
 */
export interface CommandFields {
  /** `unknown` when it is the type of no message that this version knows. */
  type(): CommandType | 'unknown' | null | undefined;
  /** From 0 to 2^53 − 1. */
  wholeNumber(field: 'id' | 'version'): number | null | undefined;
  /** A string of its own, not one that keeps the frame in memory. May have lone surrogates. */
  text(field: 'client' | 'token' | 'channel' | 'idempotencyKey' | 'key'): string | null | undefined;
  /** Null also when there are not 1 to 1,000 of them. */
  channels(): readonly string[] | null | undefined;
  /** Likewise, and null also when what is asked for with one of them is not what it must be. */
  subscriptions(): readonly Subscription[] | null | undefined;
  /** A string says in one sentence what is wrong with the payload. */
  publication(time: number): Publication | string;
  /** Whether it says that its key is deleted; null if that is neither said nor denied. */
  deletes(): boolean | null;
  hasPayload(): boolean;
}

export function readCommand(fields: CommandFields, time: number): Command {
  const id = fields.wholeNumber('id');
  const type = fields.type();
  // Without an id that can be believed, the answer has none.
  const wrong = (message: string, error: ErrorName = 'bad_request') => mistake(id ?? null, error, message);
  if (type === undefined) return wrong('the type is missing');
  if (type === null) return wrong('the type is not one that a message can have');
  if (type === 'unknown') return wrong('there is no command of this type', 'unknown_command');
  if (type === 'pong') return { type };
  if (id === null) return wrong('id must be a whole number from 0 to 2^53 - 1');

  switch (type) {
    case 'ping':
      return { type, id: id ?? null };
    case 'publish': {
      const channel = fields.text('channel');
      if (typeof channel !== 'string') return wrong('channel must be a string');
      const publication = readPublication(fields, time);
      if ('error' in publication) return wrong(publication.message, publication.error);
      const idempotencyKey = fields.text('idempotencyKey');
      if (!isIdempotencyKey(idempotencyKey)) return wrong(idempotencyKeyRule);
      return { type, id: id ?? null, channel, publication, idempotencyKey: idempotencyKey ?? null };
    }
  }

  if (id === undefined) return wrong('id is missing');
  switch (type) {
    case 'connect': {
      const version = fields.wholeNumber('version');
      if (typeof version !== 'number') return wrong('version must be a whole number');
      const client = fields.text('client');
      if (!isText(client, maxClientNameBytes))
        return wrong(`client must be a string of at most ${maxClientNameBytes} bytes`);
      const token = fields.text('token');
      if (!isText(token, maxTokenBytes))
        return wrong(`token must be a string of at most ${maxTokenBytes} bytes`);
      return { type, id, version, client: client ?? null, token: token ?? null };
    }
    case 'subscribe': {
      const channels = fields.subscriptions();
      if (channels === undefined || channels === null)
        return wrong(
          `channels must be a list of 1 to ${maxChannelsPerCommand} names, with since or last where wanted`,
        );
      return { type, id, channels };
    }
    case 'unsubscribe': {
      const channels = fields.channels();
      if (channels === undefined || channels === null)
        return wrong(`channels must be a list of 1 to ${maxChannelsPerCommand} names`);
      return { type, id, channels };
    }
  }
}

/** What is published, or what is wrong with it. */
export function readPublication(
  fields: CommandFields,
  time: number,
): Publication | { error: ErrorName; message: string } {
  const key = fields.text('key');
  if (!isKey(key)) return { error: 'bad_request', message: keyRule };
  const deletes = fields.deletes();
  if (deletes === null) return { error: 'bad_request', message: 'deleted must be true or false' };
  if (deletes) {
    if (key === undefined) return { error: 'bad_request', message: 'what is deleted has a key' };
    if (fields.hasPayload()) return { error: 'bad_payload', message: 'what is deleted has no payload' };
    return Publication.deletion(key, time);
  }
  const publication = fields.publication(time);
  if (typeof publication === 'string') return { error: 'bad_payload', message: publication };
  return key === undefined ? publication : publication.withKey(key);
}

function mistake(id: number | null, error: ErrorName, message: string): Mistake {
  return { type: 'mistake', id, error, message };
}

export const idempotencyKeyRule = `idempotencyKey must be a string of 1 to ${maxIdempotencyKeyLength} characters`;

/** An optional key within its bounds. */
export function isIdempotencyKey(key: string | null | undefined): key is string | undefined {
  return isShort(key, maxIdempotencyKeyLength);
}

const keyRule = `key must be a string of 1 to ${maxKeyLength} characters`;

function isKey(key: string | null | undefined): key is string | undefined {
  return isShort(key, maxKeyLength);
}

function isShort(text: string | null | undefined, maxLength: number): text is string | undefined {
  return (
    text === undefined ||
    (text !== null && text.length >= 1 && text.length <= maxLength && text.isWellFormed())
  );
}

/** An optional text within its bound. */
export function isText(value: string | null | undefined, maxBytes: number): value is string | undefined {
  if (value === undefined) return true;
  // A UTF-16 unit is at least one byte, so what has more units is refused without being encoded.
  return (
    value !== null && value.length <= maxBytes && value.isWellFormed() && Buffer.byteLength(value) <= maxBytes
  );
}
