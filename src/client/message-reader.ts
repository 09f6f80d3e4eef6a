/**
 * What a message of a node must be, once its fields have names: both codecs come down to this.
 *
 * Fields and types that are not known are ignored, as docs/protocol.md demands; what is known must be what it must be.
 */
import type { Position } from './position.ts';
import { type Incoming, type Message, Unreadable } from './wire.ts';

export type Fields = Readonly<Record<string, unknown>>;

/**
 * @param incoming reads a publication, in the form of the codec
 * @returns null for a message of a type that is not known
 * @throws Unreadable
 */
export function readMessage(fields: Fields, incoming: (value: unknown) => Incoming | null): Message | null {
  const { type, id, channel, channels, epoch, offset, reason, time } = fields;
  switch (type) {
    case 'batch':
      return {
        type,
        channel: expectText(channel),
        sequence: expectWhole(fields.sequence),
        offset: optional(offset, expectWhole),
        time: optional(time, expectTime) ?? 0, // A mark has none.
        publications: expectArray(fields.publications ?? []).map(incoming),
      };
    case 'unsubscribed':
      return { type, id: expectWhole(id) };
    case 'published':
      return {
        type,
        id: expectWhole(id),
        degraded: fields.degraded === true,
        position: optionalPosition(epoch, offset),
        duplicate: fields.duplicate === true,
      };
    case 'ping':
      return { type };
    case 'degraded':
      return { type, channel: optional(channel, expectText) };
    case 'pong':
      return { type, id: optional(id, expectWhole), time: expectTime(time) };
    case 'gap':
      return {
        type,
        channel: expectText(channel),
        reason: expectText(reason),
        position: optionalPosition(epoch, offset),
      };
    case 'snapshot':
      return {
        type,
        channel: expectText(channel),
        reason: expectText(reason),
        position: expectPosition(epoch, offset),
        count: expectWhole(fields.count),
      };
    case 'subscribed':
      return {
        type,
        id: expectWhole(id),
        channels: expectArray(channels).map((each) => {
          const joined = expectFields(each);
          const { recovered } = joined;
          return {
            channel: expectText(joined.channel),
            number: expectWhole(joined.number),
            sequence: expectWhole(joined.sequence),
            degraded: joined.degraded === true,
            position: optionalPosition(joined.epoch, joined.offset),
            recovered: typeof recovered === 'boolean' ? recovered : null,
            reason: optional(joined.reason, expectText),
            snapshot: optional(joined.snapshot, expectWhole),
          };
        }),
        refused: expectArray(fields.refused ?? []).map((each) => {
          const { channel, code, message } = expectFields(each);
          return { channel: expectText(channel), code: expectWhole(code), message: expectText(message) };
        }),
      };
    case 'connected':
      return {
        type,
        node: expectText(fields.node),
        boot: expectText(fields.boot),
        connection: expectText(fields.connection),
        time: expectTime(time),
        pingIntervalMs: expectWhole(fields.pingIntervalMs),
        maxPayloadBytes: expectWhole(expectFields(fields.limits).maxPayloadBytes),
      };
    case 'error':
      return {
        type,
        id: optional(id, expectWhole),
        code: expectWhole(fields.code),
        message: expectText(fields.message),
      };
    default:
      return null;
  }
}

export function expectText(value: unknown): string {
  if (typeof value !== 'string') throw new Unreadable('text was expected');
  return value;
}

/** A whole number from 0 to 2^53 − 1. */
export function expectWhole(value: unknown): number {
  if (!Number.isSafeInteger(value) || (value as number) < 0)
    throw new Unreadable('a whole number was expected');
  return value as number;
}

export function expectArray(value: unknown): unknown[] {
  if (!Array.isArray(value)) throw new Unreadable('an array was expected');
  return value;
}

export function expectFields(value: unknown): Fields {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new Unreadable('an object was expected');
  return value as Fields;
}

export function optional<T>(value: unknown, expect: (value: unknown) => T): T | null {
  return isAbsent(value) ? null : expect(value);
}

function expectTime(value: unknown): number {
  if (typeof value !== 'number' || !Number.isFinite(value)) throw new Unreadable('a time was expected');
  return value;
}

function optionalPosition(epoch: unknown, offset: unknown): Position | null {
  return isAbsent(epoch) || isAbsent(offset) ? null : expectPosition(epoch, offset);
}

function expectPosition(epoch: unknown, offset: unknown): Position {
  return { epoch: expectText(epoch), offset: expectWhole(offset) };
}

function isAbsent(value: unknown): boolean {
  return value === undefined || value === null;
}
