/**
 * What nodes ask each other on behalf of an operator, and what they answer, over the channel of the beats.
 *
 *     question: [0, version, kind, from, request, to, …]     answer: [0, version, 4, from, request, to, value, [channel, subscribers, …]]
 *
 * The 0 stands where a beat has its version, which is never 0. Arrays may grow.
 *
 * | element | type | meaning |
 * |---|---|---|
 * | from    | str, 1–32 bytes | boot id of the node that speaks |
 * | request | uint | chosen by the node that asks; the answer repeats it |
 * | to      | str, up to 32 bytes | boot id of the node that is meant; empty in a question to all |
 *
 * | kind | question | more elements | value of the answer | channels of the answer |
 * |---|---|---|---|---|
 * | 1 | how many listen to a channel? | channel | subscribers | none |
 * | 2 | which channels have subscribers? | prefix, after, limit | 0 | the first `limit` behind `after`, in order |
 * | 3 | end a connection | connection id, 1 if it shall come back | 1 if it was there | none |
 * | 4 | (answer) | | | |
 *
 * Like a frame it is not trusted: whoever reaches Redis could have written it.
 */
import { maxChannelNameBytes } from '../channel/channel-name.ts';
import { Malformed } from './malformed.ts';
import { MsgpackReader } from './msgpack-reader.ts';
import { MsgpackWriter } from './msgpack-writer.ts';

const notABeat = 0;
const controlVersion = 1;

/** Elements before those of a kind. */
const headElements = 6;

const kinds = { subscribers: 1, channels: 2, disconnect: 3, answer: 4 } as const;

/** Elements that each kind has at least, behind the head. */
const bodyElements: ReadonlyMap<number, number> = new Map([
  [kinds.subscribers, 1],
  [kinds.channels, 3],
  [kinds.disconnect, 2],
  [kinds.answer, 2],
]);

const maxBootIdBytes = 32;
const maxConnectionIdBytes = 64;
/** Channels in one answer. */
export const maxListedChannels = 1_000;
/** Larger than an answer that lists as many of the longest names as it may. */
export const maxControlBytes = maxListedChannels * (maxChannelNameBytes + 16) + 1_024;

export interface ChannelCount {
  readonly channel: string;
  readonly subscribers: number;
}

export type Question =
  | { readonly type: 'subscribers'; readonly channel: string }
  /** `after` is the last name of the page before, or empty; names are in the order of their UTF-16 units. */
  | { readonly type: 'channels'; readonly prefix: string; readonly after: string; readonly limit: number }
  | { readonly type: 'disconnect'; readonly connection: string; readonly comeBack: boolean };

export interface Answer {
  readonly value: number;
  readonly channels: readonly ChannelCount[];
}

interface Head {
  readonly from: string;
  readonly request: number;
  readonly to: string;
}

export type Control = Head &
  (
    | { readonly type: 'question'; readonly question: Question }
    | { readonly type: 'answer'; readonly answer: Answer }
  );

/** True for bytes that are no beat and may be a control message. */
export function mayBeControl(bytes: Uint8Array): boolean {
  const first = bytes[0] ?? 0;
  return (first & 0xf0) === 0x90 && bytes[1] === notABeat;
}

export function writeControl(control: Control): Buffer {
  const writer = new MsgpackWriter();
  if (control.type === 'answer') {
    const { value, channels } = control.answer;
    head(writer, kinds.answer, control);
    writer.unsigned(value);
    writer.array(channels.length * 2);
    for (const { channel, subscribers } of channels) {
      writer.text(channel);
      writer.unsigned(subscribers);
    }
    return writer.copy();
  }
  const { question } = control;
  switch (question.type) {
    case 'subscribers':
      head(writer, kinds.subscribers, control);
      writer.text(question.channel);
      break;
    case 'channels':
      head(writer, kinds.channels, control);
      writer.text(question.prefix);
      writer.text(question.after);
      writer.unsigned(question.limit);
      break;
    case 'disconnect':
      head(writer, kinds.disconnect, control);
      writer.text(question.connection);
      writer.unsigned(question.comeBack ? 1 : 0);
  }
  return writer.copy();
}

/** Null for anything that is not a control message of a known version and kind. */
export function readControl(bytes: Buffer): Control | null {
  if (bytes.length > maxControlBytes) return null;
  const reader = new MsgpackReader();
  reader.open(bytes);
  try {
    return read(reader);
  } catch (error) {
    if (error instanceof Malformed) return null;
    throw error;
  }
}

function head(writer: MsgpackWriter, kind: number, { from, request, to }: Head): void {
  writer.array(headElements + (bodyElements.get(kind) ?? 0));
  writer.unsigned(notABeat);
  writer.unsigned(controlVersion);
  writer.unsigned(kind);
  writer.text(from);
  writer.unsigned(request);
  writer.text(to);
}

function read(reader: MsgpackReader): Control | null {
  const elements = reader.array();
  if (elements < headElements || reader.unsigned() !== notABeat || reader.unsigned() !== controlVersion)
    return null;
  const kind = reader.unsigned();
  const from = reader.text(maxBootIdBytes);
  const request = reader.unsigned();
  const to = reader.text(maxBootIdBytes);
  const extra = elements - headElements - (bodyElements.get(kind) ?? Number.POSITIVE_INFINITY);
  if (from === '' || extra < 0) return null;
  const body = readBody(reader, kind);
  if (body === null) return null;
  for (let i = 0; i < extra; i += 1) reader.skip();
  return reader.atEnd ? { from, request, to, ...body } : null;
}

type Body = { type: 'question'; question: Question } | { type: 'answer'; answer: Answer };

function readBody(reader: MsgpackReader, kind: number): Body | null {
  switch (kind) {
    case kinds.subscribers:
      return {
        type: 'question',
        question: { type: 'subscribers', channel: reader.text(maxChannelNameBytes) },
      };
    case kinds.channels: {
      const prefix = reader.text(maxChannelNameBytes);
      const after = reader.text(maxChannelNameBytes);
      const limit = reader.unsigned();
      if (limit < 1 || limit > maxListedChannels) return null;
      return { type: 'question', question: { type: 'channels', prefix, after, limit } };
    }
    case kinds.disconnect: {
      const connection = reader.text(maxConnectionIdBytes);
      return {
        type: 'question',
        question: { type: 'disconnect', connection, comeBack: reader.unsigned() === 1 },
      };
    }
    case kinds.answer: {
      const value = reader.unsigned();
      return { type: 'answer', answer: { value, channels: readChannels(reader) } };
    }
    default:
      return null;
  }
}

function readChannels(reader: MsgpackReader): ChannelCount[] {
  const elements = reader.array();
  if (elements > 2 * maxListedChannels || elements % 2 !== 0)
    throw new Malformed('too many channels, or half of one');
  const channels: ChannelCount[] = [];
  for (let i = 0; i < elements; i += 2)
    channels.push({ channel: reader.text(maxChannelNameBytes), subscribers: reader.unsigned() });
  return channels;
}
