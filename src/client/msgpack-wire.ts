/**
 * `outcry.v1.msgpack`: messages are arrays in a binary frame, one behind the other.
 */
import { commandNumbers, gapNumbers, jsonExtensionType, replyNumbers } from '../protocol/message-numbers.ts';
import { msgpackSubprotocol } from '../protocol/subprotocols.ts';
import { Extension, MsgpackReader, textOf } from './msgpack-reader.ts';
import { MsgpackWriter } from './msgpack-writer.ts';
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
  type Wanted,
  type Wire,
} from './wire.ts';

const encoder = new TextEncoder();

export class MsgpackWire implements Wire {
  readonly subprotocol = msgpackSubprotocol;
  /** Batches have the channel's number, which the node gave it in `subscribed`. */
  readonly #channelsByNumber = new Map<number, string>();

  encode(request: Request): Uint8Array<ArrayBuffer> {
    const writer = new MsgpackWriter();
    switch (request.type) {
      case 'connect':
        writer.array(5);
        writer.unsigned(commandNumbers.connect);
        writer.unsigned(request.id);
        writer.unsigned(request.version);
        for (const text of [request.name, request.token]) text === null ? writer.nil() : writer.text(text);
        break;
      case 'subscribe':
        writeList(writer, request);
        for (const wanted of request.channels) writeWanted(writer, wanted);
        break;
      case 'unsubscribe':
        writeList(writer, request);
        for (const channel of request.channels) writer.text(channel);
        break;
      case 'publish':
        writer.array(request.idempotencyKey === null ? 4 : 5);
        writer.unsigned(commandNumbers.publish);
        writer.unsigned(request.id);
        writer.text(request.channel);
        writePayload(writer, request.payload);
        if (request.idempotencyKey !== null) writer.text(request.idempotencyKey);
        break;
      case 'ping':
        writer.array(2);
        writer.unsigned(commandNumbers.ping);
        writer.unsigned(request.id);
        break;
      case 'pong':
        writer.array(1);
        writer.unsigned(commandNumbers.pong);
    }
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
  #read([type, ...fields]: unknown[]): Message | null {
    switch (type) {
      case replyNumbers.batch: {
        const [number, sequence, time, publications, offset] = fields;
        const channel = this.#channelsByNumber.get(expectWhole(number));
        if (channel === undefined) return null;
        return {
          type: 'batch',
          channel,
          sequence: expectWhole(sequence),
          offset: optionalWhole(offset),
          time: batchTime(time),
          publications: expectArray(publications ?? []).map(incoming),
        };
      }
      case replyNumbers.published:
        return {
          type: 'published',
          id: expectWhole(fields[0]),
          degraded: fields[1] === true,
          position: optionalPosition(fields[2], fields[3]),
          duplicate: fields[4] === true,
        };
      case replyNumbers.ping:
        return { type: 'ping' };
      case replyNumbers.pong:
        return { type: 'pong', id: optionalWhole(fields[0]), time: expectTime(fields[1]) };
      case replyNumbers.gap: {
        const [number, reason, epoch, offset] = fields;
        const channel = this.#channelsByNumber.get(expectWhole(number));
        if (channel === undefined) return null;
        return { type: 'gap', channel, reason: gapReason(reason), position: optionalPosition(epoch, offset) };
      }
      case replyNumbers.subscribed:
        return this.#readSubscribed(fields);
      case replyNumbers.unsubscribed:
        this.#forget(expectArray(fields[1]));
        return { type: 'unsubscribed', id: expectWhole(fields[0]) };
      case replyNumbers.connected: {
        const [, , node, boot, connection, time, pingIntervalMs, limits] = fields;
        return {
          type: 'connected',
          node: expectText(node),
          boot: expectText(boot),
          connection: expectText(connection),
          time: expectTime(time),
          pingIntervalMs: expectWhole(pingIntervalMs),
          maxPayloadBytes: expectWhole(expectArray(limits)[0]),
        };
      }
      case replyNumbers.error: {
        const [id, code, message] = fields;
        return {
          type: 'error',
          id: optionalWhole(id),
          code: expectWhole(code),
          message: expectText(message),
        };
      }
      default:
        return null;
    }
  }

  #forget(channels: readonly unknown[]): void {
    for (const [number, channel] of this.#channelsByNumber)
      if (channels.includes(channel)) this.#channelsByNumber.delete(number);
  }

  #readSubscribed([id, channels, refused]: unknown[]): Message {
    const joined = expectArray(channels).map((each) => {
      const [channel, number, sequence, degraded, epoch, offset, recovered, reason] = expectArray(each);
      return {
        channel: expectText(channel),
        number: expectWhole(number),
        sequence: expectWhole(sequence),
        degraded: degraded === true,
        position: optionalPosition(epoch, offset),
        recovered: optionalFlag(recovered),
        reason: optionalText(reason),
      };
    });
    for (const { channel, number } of joined) this.#channelsByNumber.set(number, channel);
    return {
      type: 'subscribed',
      id: expectWhole(id),
      channels: joined,
      refused: expectArray(refused ?? []).map((each) => {
        const [channel, code, message] = expectArray(each);
        return { channel: expectText(channel), code: expectWhole(code), message: expectText(message) };
      }),
    };
  }
}

/** All but the elements of the list. */
function writeList(
  writer: MsgpackWriter,
  { type, id, channels }: Extract<Request, { channels: unknown }>,
): void {
  writer.array(3);
  writer.unsigned(commandNumbers[type]);
  writer.unsigned(id);
  writer.array(channels.length);
}

function writeWanted(writer: MsgpackWriter, { channel, wish }: Wanted): void {
  if (wish === null) {
    writer.text(channel);
    return;
  }
  const { since, last } = wish;
  writer.array(since === undefined ? 3 : 2);
  writer.text(channel);
  if (since === undefined) {
    writer.nil();
    writer.unsigned(last ?? 0);
  } else {
    writer.array(2);
    writer.text(since.epoch);
    writer.unsigned(since.offset);
  }
}

function writePayload(writer: MsgpackWriter, payload: Outgoing): void {
  if (payload.kind === 'json') writer.extension(jsonExtensionType, encoder.encode(payload.text));
  else if (payload.kind === 'text') writer.text(payload.text);
  else writer.binary(payload.bytes);
}

function incoming(value: unknown): Incoming | null {
  if (typeof value === 'string') return { kind: 'text', data: value };
  if (value instanceof Uint8Array) return { kind: 'binary', data: value };
  if (!(value instanceof Extension) || value.type !== jsonExtensionType) return null;
  try {
    return { kind: 'json', data: JSON.parse(textOf(value.bytes)) };
  } catch {
    return null;
  }
}

function gapReason(number: unknown): string {
  const known = Object.entries(gapNumbers).find(([, each]) => each === number);
  return known?.[0] ?? `reason ${expectWhole(number)}`;
}
