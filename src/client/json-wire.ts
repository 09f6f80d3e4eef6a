/**
 * `outcry.v1.json`: messages are objects in a text frame, one behind the other with a newline between them.
 */
import { jsonSubprotocol } from '../protocol/subprotocols.ts';
import { fromBase64, toBase64 } from './base64.ts';
import type { Outgoing } from './payload.ts';
import {
  batchTime,
  expectArray,
  expectText,
  expectTime,
  expectWhole,
  type Incoming,
  type Message,
  optionalFlag,
  optionalPosition,
  optionalText,
  optionalWhole,
  type Request,
  Unreadable,
  type Wire,
} from './wire.ts';

type Fields = Readonly<Record<string, unknown>>;

/** One has nothing to remember, so all connections share it. */
export const jsonWire: Wire = {
  subprotocol: jsonSubprotocol,

  encode(request) {
    if (request.type !== 'publish') return JSON.stringify(asObject(request));
    const { id, channel, payload, idempotencyKey } = request;
    // The payload is text of JSON already: parsing and writing it again would cost twice and change it.
    const key = idempotencyKey === null ? '' : `,"idempotencyKey":${JSON.stringify(idempotencyKey)}`;
    return `{"type":"publish","id":${id},"channel":${JSON.stringify(channel)},${payloadField(payload)}${key}}`;
  },

  decode(data) {
    if (typeof data !== 'string') throw new Unreadable('a text frame was expected');
    const messages: Message[] = [];
    for (const object of objectsOf(data)) {
      const message = read(object);
      if (message !== null) messages.push(message);
    }
    return messages;
  },
};

function asObject(request: Exclude<Request, { type: 'publish' }>): object {
  if (request.type === 'subscribe') {
    const channels = request.channels.map(({ channel, wish }) =>
      wish === null ? channel : { channel, ...wish },
    );
    return { ...request, channels };
  }
  if (request.type !== 'connect') return request;
  const { type, id, version, name, token } = request;
  return { type, id, version, ...(name !== null && { client: name }), ...(token !== null && { token }) };
}

function payloadField(payload: Outgoing): string {
  if (payload.kind === 'json') return `"json":${payload.text}`;
  if (payload.kind === 'text') return `"text":${JSON.stringify(payload.text)}`;
  return `"binary":"${toBase64(payload.bytes)}"`;
}

/**
 * The objects of a frame. A payload may have newlines of its own, but never one between a closing and an opening brace:
 * there would have to be a comma, and within a string of JSON there are no bare newlines.
 */
function objectsOf(frame: string): Fields[] {
  const texts = frame.includes('}\n{') ? frame.split(/(?<=\})\n(?=\{)/) : [frame];
  return texts.map((text) => expectFields(parse(text)));
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new Unreadable('JSON was expected', { cause });
  }
}

/** @returns null for a message of a type that is not known */
function read(fields: Fields): Message | null {
  switch (fields.type) {
    case 'batch':
      return {
        type: 'batch',
        channel: expectText(fields.channel),
        sequence: expectWhole(fields.sequence),
        offset: optionalWhole(fields.offset),
        time: batchTime(fields.time),
        publications: expectArray(fields.publications ?? []).map(incoming),
      };
    case 'unsubscribed':
      return { type: 'unsubscribed', id: expectWhole(fields.id) };
    case 'published':
      return {
        type: 'published',
        id: expectWhole(fields.id),
        degraded: fields.degraded === true,
        position: optionalPosition(fields.epoch, fields.offset),
        duplicate: fields.duplicate === true,
      };
    case 'ping':
      return { type: 'ping' };
    case 'pong':
      return { type: 'pong', id: optionalWhole(fields.id), time: expectTime(fields.time) };
    case 'gap':
      return {
        type: 'gap',
        channel: expectText(fields.channel),
        reason: expectText(fields.reason),
        position: optionalPosition(fields.epoch, fields.offset),
      };
    case 'subscribed':
      return {
        type: 'subscribed',
        id: expectWhole(fields.id),
        channels: expectArray(fields.channels).map((each) => {
          const { channel, number, sequence, degraded, epoch, offset, recovered, reason } =
            expectFields(each);
          return {
            channel: expectText(channel),
            number: expectWhole(number),
            sequence: expectWhole(sequence),
            degraded: degraded === true,
            position: optionalPosition(epoch, offset),
            recovered: optionalFlag(recovered),
            reason: optionalText(reason),
          };
        }),
        refused: expectArray(fields.refused ?? []).map((each) => {
          const { channel, code, message } = expectFields(each);
          return { channel: expectText(channel), code: expectWhole(code), message: expectText(message) };
        }),
      };
    case 'connected':
      return {
        type: 'connected',
        node: expectText(fields.node),
        boot: expectText(fields.boot),
        connection: expectText(fields.connection),
        time: expectTime(fields.time),
        pingIntervalMs: expectWhole(fields.pingIntervalMs),
        maxPayloadBytes: expectWhole(expectFields(fields.limits).maxPayloadBytes),
      };
    case 'error':
      return {
        type: 'error',
        id: optionalWhole(fields.id),
        code: expectWhole(fields.code),
        message: expectText(fields.message),
      };
    default:
      return null;
  }
}

function incoming(value: unknown): Incoming | null {
  const { json, text, binary } = expectFields(value);
  if (json !== undefined) return { kind: 'json', data: json };
  if (typeof text === 'string') return { kind: 'text', data: text };
  const bytes = typeof binary === 'string' ? fromBase64(binary) : null;
  return bytes === null ? null : { kind: 'binary', data: bytes };
}

function expectFields(value: unknown): Fields {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new Unreadable('an object was expected');
  return value as Fields;
}
