/**
 * The native protocol in JSON: text frames, a message is an object.
 *
 * A JSON payload is found, not made: it travels as the characters that its publisher sent.
 *
 * No frame costs more than its bytes, whatever is in it: `codecs.test.ts` holds the worst that we could make against a bound.
 */
import type { Payload, Publication } from '../channel/publication.ts';
import type { ChannelHead, Codec } from './codec.ts';
import { maxMessagesPerFrame, readCommand } from './command.ts';
import { errorCodes } from './error-codes.ts';
import { JsonFields } from './json-fields.ts';
import { JsonScanner } from './json-scanner.ts';
import { Malformed } from './malformed.ts';
import {
  type Command,
  type GapReason,
  protocolVersion,
  type Reply,
  type SnapshotReason,
} from './messages.ts';
import { jsonSubprotocol } from './subprotocols.ts';

class JsonCodec implements Codec {
  readonly subprotocol = jsonSubprotocol;
  readonly #scanner = new JsonScanner();

  decode(frame: Payload, time: number): Command[] {
    if (typeof frame !== 'string') throw new Malformed('a text frame was expected');
    // No runtime makes such a string of UTF-8; but if one did, it would go out as something else.
    if (!frame.isWellFormed()) throw new Malformed('the frame has a lone surrogate');
    const scanner = this.#scanner;
    scanner.open(frame);
    const fields = new JsonFields(scanner, frame);
    const commands: Command[] = [];
    scanner.passSpace();
    do {
      if (commands.length === maxMessagesPerFrame) throw new Malformed('too many messages in one frame');
      fields.read();
      commands.push(readCommand(fields, time));
      scanner.passSpace();
    } while (!scanner.atEnd);
    return commands;
  }

  encode(reply: Reply): string {
    return JSON.stringify(objectOf(reply));
  }

  batch({ channel, sequence, position }: ChannelHead, publications: readonly Publication[]): string {
    const [oldest] = publications;
    const numbers = position === null ? sequence : `${sequence},"offset":${position.offset}`;
    const start = `{"type":"batch","channel":${JSON.stringify(channel)},"sequence":${numbers}`;
    if (oldest === undefined) return `${start}}`;
    let frame = `${start},"time":${oldest.time},"publications":[`;
    let separator = '';
    for (const publication of publications) {
      frame += separator + payloadOf(publication);
      separator = ',';
    }
    return `${frame}]}`;
  }

  gap({ channel, position }: ChannelHead, reason: GapReason): string {
    return JSON.stringify({ type: 'gap', channel, reason, epoch: position?.epoch, offset: position?.offset });
  }

  degraded({ channel }: ChannelHead): string {
    return JSON.stringify({ type: 'degraded', channel });
  }

  snapshot({ channel, sequence, position }: ChannelHead, reason: SnapshotReason, count: number): string {
    return JSON.stringify({
      ...{ type: 'snapshot', channel, reason, sequence },
      ...{ epoch: position?.epoch, offset: position?.offset, count },
    });
  }
}

export const jsonCodec: Codec = new JsonCodec();

function payloadOf(publication: Publication): string {
  const { kind, key } = publication;
  const start = key === null ? '{' : `{"key":${JSON.stringify(key)},`;
  switch (kind) {
    case 'json':
      return `${start}"json":${publication.text}}`;
    case 'text':
      return `${start}"text":${JSON.stringify(publication.text)}}`;
    case 'binary': {
      const { buffer, byteOffset, byteLength } = publication.bytes;
      return `${start}"binary":"${Buffer.from(buffer, byteOffset, byteLength).toString('base64')}"}`;
    }
    case 'deleted':
      return `${start}"deleted":true}`;
  }
}

/** Absent fields are undefined, which JSON leaves out. */
function objectOf(reply: Reply): object {
  switch (reply.type) {
    case 'connected': {
      const { type, id, node, boot, connection, time, pingIntervalMs, limits } = reply;
      const { maxPayloadBytes, maxSubscriptions } = limits;
      return {
        ...{ type, id, version: protocolVersion, node, boot, connection, time, pingIntervalMs },
        limits: { maxPayloadBytes, maxSubscriptions },
      };
    }
    case 'subscribed': {
      const channels = reply.channels.map(
        ({ channel, number, sequence, degraded, position, recovered, reason, snapshot }) => ({
          ...{ channel, number, sequence, degraded: degraded || undefined },
          ...{ epoch: position?.epoch, offset: position?.offset, recovered, reason, snapshot },
        }),
      );
      const refused = reply.refused.map(({ channel, error, message }) => ({
        ...{ channel, code: errorCodes[error], message },
      }));
      const { type, id } = reply;
      return { type, id, channels, refused: refused.length === 0 ? undefined : refused };
    }
    case 'unsubscribed':
      return { type: reply.type, id: reply.id, channels: reply.channels };
    case 'published':
      return {
        ...{ type: reply.type, id: reply.id, degraded: reply.degraded || undefined },
        ...{ epoch: reply.position?.epoch, offset: reply.position?.offset },
        duplicate: reply.duplicate || undefined,
      };
    case 'ping':
    case 'degraded':
      return { type: reply.type };
    case 'pong':
      return { type: reply.type, id: reply.id ?? undefined, time: reply.time };
    case 'error':
      return {
        ...{ type: reply.type, id: reply.id ?? undefined },
        ...{ code: errorCodes[reply.error], message: reply.message },
      };
  }
}
