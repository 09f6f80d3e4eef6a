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
  type Request,
  Unreadable,
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
      case 'unsubscribe':
        writer.array(3);
        writer.unsigned(commandNumbers[request.type]);
        writer.unsigned(request.id);
        writer.array(request.channels.length);
        for (const channel of request.channels) writer.text(channel);
        break;
      case 'publish':
        writer.array(4);
        writer.unsigned(commandNumbers.publish);
        writer.unsigned(request.id);
        writer.text(request.channel);
        writePayload(writer, request.payload);
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
        const [number, sequence, time, publications] = fields;
        const channel = this.#channelsByNumber.get(expectWhole(number));
        if (channel === undefined) return null;
        return {
          type: 'batch',
          channel,
          sequence: expectWhole(sequence),
          time: batchTime(time),
          publications: expectArray(publications ?? []).map(incoming),
        };
      }
      case replyNumbers.published:
        return { type: 'published', id: expectWhole(fields[0]), degraded: fields[1] === true };
      case replyNumbers.ping:
        return { type: 'ping' };
      case replyNumbers.pong:
        return { type: 'pong', id: optionalId(fields[0]), time: expectTime(fields[1]) };
      case replyNumbers.gap: {
        const channel = this.#channelsByNumber.get(expectWhole(fields[0]));
        return channel === undefined ? null : { type: 'gap', channel, reason: gapReason(fields[1]) };
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
        return { type: 'error', id: optionalId(id), code: expectWhole(code), message: expectText(message) };
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
      const [channel, number, sequence, degraded] = expectArray(each);
      return {
        channel: expectText(channel),
        number: expectWhole(number),
        sequence: expectWhole(sequence),
        degraded: degraded === true,
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

function optionalId(value: unknown): number | null {
  return value === undefined || value === null ? null : expectWhole(value);
}
