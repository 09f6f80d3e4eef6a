/**
 * `outcry.v1.msgpack`: messages are arrays in a binary frame, one behind the other.
 */
import { commandNumbers, gapNumbers, jsonExtensionType, replyNumbers } from '../protocol/message-numbers.ts';
import { msgpackSubprotocol } from '../protocol/subprotocols.ts';
import { expectArray, expectText, expectWhole, readMessage } from './message-reader.ts';
import { Extension, MsgpackReader, textOf } from './msgpack-reader.ts';
import { MsgpackWriter, type Writable } from './msgpack-writer.ts';
import type { Outgoing } from './payload.ts';
import { type Incoming, type Message, type Request, Unreadable, type Wanted, type Wire } from './wire.ts';

/**
 * What stands behind the type of a message, in order. Those that begin with `number` are about the channel of that number; a `degraded`
 * without one is about all of them.
 */
const forms: Readonly<Record<string, string>> = {
  connected: 'id version node boot connection time pingIntervalMs limits',
  subscribed: 'id channels refused',
  unsubscribed: 'id channels',
  published: 'id degraded epoch offset duplicate',
  ping: '',
  degraded: 'number',
  pong: 'id time',
  batch: 'number sequence time publications offset',
  gap: 'number reason epoch offset',
  error: 'id code message',
  snapshot: 'number reason epoch offset count',
};
const typesByNumber = namesByNumber(replyNumbers);
const gapsByNumber = namesByNumber(gapNumbers);
const joinedFields = 'channel number sequence degraded epoch offset recovered reason snapshot';
const refusedFields = 'channel code message';

const encoder = new TextEncoder();

export class MsgpackWire implements Wire {
  readonly subprotocol = msgpackSubprotocol;
  /** Batches have the channel's number, which the node gave it in `subscribed`. */
  readonly #channelsByNumber = new Map<number, string>();

  encode(request: Request): Uint8Array<ArrayBuffer> {
    const writer = new MsgpackWriter();
    writer.value([commandNumbers[request.type], ...valuesOf(request)]);
    return writer.copy();
  }

  decode(data: unknown): Message[] {
    if (!(data instanceof ArrayBuffer)) throw new Unreadable('a binary frame was expected');
    const reader = new MsgpackReader(data);
    const messages: Message[] = [];
    while (!reader.atEnd) {
      const message = this.#read(expectArray(reader.value()));
      if (message !== null) messages.push(message);
    }
    return messages;
  }

  /** @returns null for a message of a type that is not known, or about a channel that was never joined */
  #read([number, ...values]: unknown[]): Message | null {
    const type = typesByNumber.get(number) ?? '';
    const names = forms[type];
    if (names === undefined) return null;
    const fields: Record<string, unknown> = { ...named(names, values), type };
    const { number: itsNumber, channels } = fields;
    if (namesChannel(type, values)) {
      fields.channel = this.#channelsByNumber.get(expectWhole(itsNumber));
      if (fields.channel === undefined) return null;
    }
    if (type === 'gap')
      fields.reason = gapsByNumber.get(fields.reason) ?? `reason ${expectWhole(fields.reason)}`;
    if (type === 'connected') fields.limits = named('maxPayloadBytes', expectArray(fields.limits));
    if (type === 'subscribed') {
      fields.channels = allNamed(joinedFields, channels);
      fields.refused = allNamed(refusedFields, fields.refused ?? []);
    }
    const message = readMessage(fields, incoming);
    if (message?.type === 'subscribed')
      for (const { channel, number } of message.channels) this.#channelsByNumber.set(number, channel);
    if (type === 'unsubscribed') this.#forget(expectArray(channels));
    return message;
  }

  #forget(channels: readonly unknown[]): void {
    for (const [number, channel] of this.#channelsByNumber)
      if (channels.includes(channel)) this.#channelsByNumber.delete(number);
  }
}

/** True for a message about one channel, by its number. Only `degraded` may do without: then it is about all of them. */
function namesChannel(type: string, values: readonly unknown[]): boolean {
  if (type === 'degraded') return values.length > 0;
  return forms[type]?.startsWith('number') === true;
}

/** Values by their names, which stand in one string. */
function named(names: string, values: readonly unknown[]): Record<string, unknown> {
  return Object.fromEntries(names.split(' ').map((name, index) => [name, values[index]]));
}

function allNamed(names: string, list: unknown): unknown[] {
  return expectArray(list).map((each) => named(names, expectArray(each)));
}

/** What stands behind the type of a request, in order. What is absent at the end is left out. */
function valuesOf(request: Request): Writable[] {
  switch (request.type) {
    case 'connect':
      return [request.id, request.version, request.name, request.token];
    case 'subscribe':
      return [request.id, request.channels.map(wantedOf)];
    case 'unsubscribe':
      return [request.id, request.channels];
    case 'publish': {
      const { id, channel, payload, idempotencyKey, key } = request;
      const keys = key !== null ? [idempotencyKey, key] : idempotencyKey !== null ? [idempotencyKey] : [];
      return [id, channel, payloadOf(payload), ...keys];
    }
    case 'ping':
      return [request.id];
    case 'pong':
      return [];
  }
}

function wantedOf({ channel, wish }: Wanted): Writable {
  if (wish === null) return channel;
  const { since, last = 0 } = wish;
  return since === undefined ? [channel, null, last] : [channel, [since.epoch, since.offset]];
}

function payloadOf(payload: Outgoing | null): Writable {
  if (payload?.kind === 'json') return new Extension(jsonExtensionType, encoder.encode(payload.text));
  return payload?.kind === 'text' ? payload.text : (payload?.bytes ?? null);
}

/** A payload, or the array of a key and its payload; without one the key was deleted. */
function incoming(value: unknown): Incoming | null {
  if (!Array.isArray(value)) return withKey(value, null);
  const [key, payload] = value;
  if (value.length === 1) return { kind: 'json', data: undefined, key: expectText(key), deleted: true };
  return withKey(payload, expectText(key));
}

function withKey(value: unknown, key: string | null): Incoming | null {
  const known = { key, deleted: false };
  if (typeof value === 'string') return { kind: 'text', data: value, ...known };
  if (value instanceof Uint8Array) return { kind: 'binary', data: value, ...known };
  if (!(value instanceof Extension) || value.type !== jsonExtensionType) return null;
  try {
    return { kind: 'json', data: JSON.parse(textOf(value.bytes)), ...known };
  } catch {
    return null;
  }
}

function namesByNumber(numbers: Readonly<Record<string, number>>): ReadonlyMap<unknown, string> {
  return new Map(Object.entries(numbers).map(([name, number]) => [number, name]));
}
