/**
 * `outcry.v1.json`: messages are objects in a text frame, one behind the other with a newline between them.
 */
import { jsonSubprotocol } from '../protocol/subprotocols.ts';
import { fromBase64, toBase64 } from './base64.ts';
import { expectFields, expectText, type Fields, optional, readMessage } from './message-reader.ts';
import type { Outgoing } from './payload.ts';
import { type Incoming, type Message, type Request, Unreadable, type Wire } from './wire.ts';

/** One has nothing to remember, so all connections share it. */
export const jsonWire: Wire = {
  subprotocol: jsonSubprotocol,

  encode(request) {
    if (request.type !== 'publish') return JSON.stringify(asObject(request));
    const { type, id, channel, payload, idempotencyKey, key } = request;
    const keys = { idempotencyKey: idempotencyKey ?? undefined, key: key ?? undefined };
    const head = JSON.stringify({ type, id, channel, ...keys });
    // The payload may be text of JSON already: parsing and writing it again would cost twice and change it.
    return `${head.slice(0, -1)},${payloadField(payload)}}`;
  },

  decode(data) {
    if (typeof data !== 'string') throw new Unreadable('a text frame was expected');
    const messages: Message[] = [];
    for (const object of objectsOf(data)) {
      const message = readMessage(object, incoming);
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
  return { type, id, version, client: name ?? undefined, token: token ?? undefined };
}

function payloadField(payload: Outgoing | null): string {
  if (payload === null) return '"deleted":true';
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

function incoming(value: unknown): Incoming | null {
  const { json, text, binary, key: itsKey, deleted } = expectFields(value);
  const key = optional(itsKey, expectText);
  if (key !== null && deleted === true) return { kind: 'json', data: undefined, key, deleted };
  const known = { key, deleted: false };
  if (json !== undefined) return { kind: 'json', data: json, ...known };
  if (typeof text === 'string') return { kind: 'text', data: text, ...known };
  const bytes = typeof binary === 'string' ? fromBase64(binary) : null;
  return bytes === null ? null : { kind: 'binary', data: bytes, ...known };
}
