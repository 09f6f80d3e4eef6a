/**
 * The native protocol in MessagePack: binary frames, a message is an array.
 *
 * What was published as bytes stays bytes: nothing is decoded that only passes through.
 *
 * No frame costs more than its bytes, whatever is in it: `codecs.test.ts` holds the worst that we could make against a bound.
 */
import type { Position } from '../channel/position.ts';
import type { Payload, Publication } from '../channel/publication.ts';
import type { ChannelHead, Codec } from './codec.ts';
import { maxMessagesPerFrame, readCommand } from './command.ts';
import { errorCodes } from './error-codes.ts';
import { Malformed } from './malformed.ts';
import { gapNumbers, jsonExtensionType, replyNumbers } from './message-numbers.ts';
import {
  type Command,
  type GapReason,
  type Joined,
  protocolVersion,
  type Reply,
  type SnapshotReason,
} from './messages.ts';
import { MsgpackFields } from './msgpack-fields.ts';
import { MsgpackReader } from './msgpack-reader.ts';
import { MsgpackWriter } from './msgpack-writer.ts';
import { msgpackSubprotocol } from './subprotocols.ts';

/** A buffer that grew beyond this for a large batch is given back. */
const keepBytes = 262_144;

class MsgpackCodec implements Codec {
  readonly subprotocol = msgpackSubprotocol;
  readonly #reader = new MsgpackReader();
  readonly #writer = new MsgpackWriter();

  decode(frame: Payload, time: number): Command[] {
    if (typeof frame === 'string') throw new Malformed('a binary frame was expected');
    const bytes = Buffer.isBuffer(frame)
      ? frame
      : Buffer.from(frame.buffer, frame.byteOffset, frame.byteLength);
    const reader = this.#reader;
    reader.open(bytes);
    const fields = new MsgpackFields(reader, bytes);
    const commands: Command[] = [];
    do {
      if (commands.length === maxMessagesPerFrame) throw new Malformed('too many messages in one frame');
      fields.read();
      commands.push(readCommand(fields, time));
    } while (!reader.atEnd);
    return commands;
  }

  encode(reply: Reply): Uint8Array {
    const writer = this.#writer;
    writer.clear(keepBytes);
    writeReply(writer, reply);
    return writer.view();
  }

  batch({ number, sequence, position }: ChannelHead, publications: readonly Publication[]): Uint8Array {
    const writer = this.#writer;
    const [oldest] = publications;
    writer.clear(keepBytes);
    writer.array(position === null ? 5 : 6);
    writer.unsigned(replyNumbers.batch);
    writer.unsigned(number);
    writer.unsigned(sequence);
    writeTime(writer, oldest?.time ?? null);
    writer.array(publications.length);
    for (const publication of publications) writePublication(writer, publication);
    if (position !== null) writer.unsigned(position.offset);
    return writer.view();
  }

  gap({ number, position }: ChannelHead, reason: GapReason): Uint8Array {
    const writer = this.#writer;
    writer.clear(keepBytes);
    writer.array(position === null ? 3 : 5);
    writer.unsigned(replyNumbers.gap);
    writer.unsigned(number);
    writer.unsigned(gapNumbers[reason]);
    if (position !== null) writePosition(writer, position);
    return writer.view();
  }

  degraded({ number }: ChannelHead): Uint8Array {
    const writer = this.#writer;
    writer.clear(keepBytes);
    writer.array(2);
    writer.unsigned(replyNumbers.degraded);
    writer.unsigned(number);
    return writer.view();
  }

  snapshot({ number, sequence, position }: ChannelHead, reason: SnapshotReason, count: number): Uint8Array {
    const writer = this.#writer;
    writer.clear(keepBytes);
    writer.array(7);
    writer.unsigned(replyNumbers.snapshot);
    writer.unsigned(number);
    writer.text(reason);
    writePosition(writer, position ?? undefined);
    writer.unsigned(count);
    writer.unsigned(sequence);
    return writer.view();
  }
}

export const msgpackCodec: Codec = new MsgpackCodec();

/** A payload, or an array of a key and its payload, or of a key that is deleted. */
function writePublication(writer: MsgpackWriter, publication: Publication): void {
  const { key, kind } = publication;
  if (key !== null) {
    writer.array(kind === 'deleted' ? 1 : 2);
    writer.text(key);
  }
  if (kind !== 'deleted') writePayload(writer, publication);
}

function writePayload(writer: MsgpackWriter, publication: Publication): void {
  const { kind, content } = publication;
  if (kind === 'json') writer.extension(jsonExtensionType, content);
  else if (typeof content === 'string') writer.text(content);
  else if (kind === 'text') writer.utf8AsText(content);
  else writer.binary(content);
}

function writeReply(writer: MsgpackWriter, reply: Reply): void {
  switch (reply.type) {
    case 'connected': {
      const { maxPayloadBytes, maxSubscriptions } = reply.limits;
      writeStart(writer, 9, reply);
      writer.unsigned(protocolVersion);
      writer.text(reply.node);
      writer.text(reply.boot);
      writer.text(reply.connection);
      writeTime(writer, reply.time);
      writer.unsigned(reply.pingIntervalMs);
      writer.array(2);
      writer.unsigned(maxPayloadBytes);
      writer.unsigned(maxSubscriptions);
      break;
    }
    case 'subscribed':
      writeStart(writer, reply.refused.length === 0 ? 3 : 4, reply);
      writer.array(reply.channels.length);
      for (const joined of reply.channels) writeJoined(writer, joined);
      if (reply.refused.length === 0) break;
      writer.array(reply.refused.length);
      for (const { channel, error, message } of reply.refused) {
        writer.array(3);
        writer.text(channel);
        writer.unsigned(errorCodes[error]);
        writer.text(message);
      }
      break;
    case 'unsubscribed':
      writeStart(writer, 3, reply);
      writer.array(reply.channels.length);
      for (const channel of reply.channels) writer.text(channel);
      break;
    case 'published': {
      const { degraded, position, duplicate = false } = reply;
      const elements = duplicate ? 6 : position !== undefined ? 5 : degraded ? 3 : 2;
      writeStart(writer, elements, reply);
      if (elements > 2) writer.boolean(degraded);
      if (elements > 3) writePosition(writer, position);
      if (duplicate) writer.boolean(true);
      break;
    }
    case 'ping':
    case 'degraded':
      writer.array(1);
      writer.unsigned(replyNumbers[reply.type]);
      break;
    case 'pong':
      writeStart(writer, 3, reply);
      writeTime(writer, reply.time);
      break;
    case 'error':
      writeStart(writer, 4, reply);
      writer.unsigned(errorCodes[reply.error]);
      writer.text(reply.message);
      break;
  }
}

function writeJoined(writer: MsgpackWriter, joined: Joined): void {
  const { channel, number, sequence, degraded, position, recovered, reason, snapshot } = joined;
  const elements = elementsOf(joined);
  writer.array(elements);
  writer.text(channel);
  writer.unsigned(number);
  writer.unsigned(sequence);
  if (elements > 3) writer.boolean(degraded);
  if (elements > 4) writePosition(writer, position);
  if (elements > 6) writeElse(writer, recovered, (value) => writer.boolean(value));
  if (elements > 7) writeElse(writer, reason, (value) => writer.text(value));
  if (snapshot !== undefined) writer.unsigned(snapshot);
}

/** Up to the last one that says something. */
function elementsOf({ degraded, position, recovered, reason, snapshot }: Joined): number {
  if (snapshot !== undefined) return 9;
  if (reason !== undefined) return 8;
  if (recovered !== undefined) return 7;
  if (position !== undefined) return 6;
  return degraded ? 4 : 3;
}

/** A value, or nil if there is none. */
function writeElse<T>(writer: MsgpackWriter, value: T | undefined, write: (value: T) => void): void {
  if (value === undefined) writer.nil();
  else write(value);
}

function writePosition(writer: MsgpackWriter, position: Position | undefined): void {
  if (position === undefined) {
    writer.nil();
    writer.nil();
    return;
  }
  writer.text(position.epoch);
  writer.unsigned(position.offset);
}

/** The elements that nearly all replies begin with. */
function writeStart(
  writer: MsgpackWriter,
  elements: number,
  { type, id }: { type: Exclude<Reply['type'], 'ping'>; id: number | null },
): void {
  writer.array(elements);
  writer.unsigned(replyNumbers[type]);
  writeOptional(writer, id);
}

function writeOptional(writer: MsgpackWriter, value: number | null): void {
  if (value === null) writer.nil();
  else writer.unsigned(value);
}

/** As a float64, which every library reads as a plain number; uint64 becomes a bigint in some. */
function writeTime(writer: MsgpackWriter, milliseconds: number | null): void {
  if (milliseconds === null) writer.nil();
  else writer.float(milliseconds);
}
