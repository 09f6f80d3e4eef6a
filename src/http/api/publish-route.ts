/**
 * `POST /api/publish`: one publication, a batch, or a stream of lines.
 *
 * One publication and a batch are all or nothing as far as mistakes go: everything is checked before the first is
 * published. A stream is published line by line as it arrives, and the answer counts. 200 means that the bridge to the
 * other nodes has confirmed every publication, or that there are no others.
 */
import type { Position } from '../../channel/position.ts';
import type { Metrics } from '../../metrics/metrics.ts';
import type { HttpReply, HttpRequest } from '../../transport/transport.ts';
import { json } from '../reply.ts';
import { bodyAborted, errorOf, type Refusal, refusalReply, refuse } from './api-error.ts';
import { LineSplitter } from './line-splitter.ts';
import { mediaTypeOf } from './media-type.ts';
import { type Entry, PublicationReader } from './publication-reader.ts';
import {
  historyUnavailable,
  keyRefused,
  type Publisher,
  type Receipt,
  type Result,
  unavailable,
} from './publisher.ts';

/** Refused lines that an answer lists. */
const maxListedErrors = 10;
/** Channels of a stream whose positions it lists. */
const maxListedPositions = 100;

/** The commonest answer, made once. An answer to POST is not cached anyway, so one header is enough. */
const onePublished: HttpReply = {
  status: 200,
  headers: { 'Content-Type': 'application/json' },
  body: '{"published":1}\n',
};

const outcomeUnknown = refuse(
  'outcome_unknown',
  'nobody knows whether it reached the other nodes, or the history of a channel that has one',
);

export interface PublishRouteOptions {
  publisher: Publisher;
  /** Of a body as a whole, or of one line of a stream. */
  maxBodyBytes: number;
  metrics: Pick<Metrics, 'apiErrors'>;
}

export class PublishRoute {
  readonly #publisher: Publisher;
  readonly #maxBodyBytes: number;
  readonly #metrics: PublishRouteOptions['metrics'];
  readonly #reader = new PublicationReader();

  constructor({ publisher, maxBodyBytes, metrics }: PublishRouteOptions) {
    this.#publisher = publisher;
    this.#maxBodyBytes = maxBodyBytes;
    this.#metrics = metrics;
  }

  handle(request: HttpRequest): HttpReply | Promise<HttpReply> {
    switch (mediaTypeOf(request.header('content-type'))) {
      case 'application/json':
        return this.#whole(request, 'json');
      case 'application/msgpack':
        return this.#whole(request, 'msgpack');
      case 'application/x-ndjson':
        return this.#lines(request);
      default:
        return refusalReply(
          refuse(
            'bad_request',
            'the Content-Type must be application/json, application/msgpack or application/x-ndjson',
            { status: 415 },
          ),
        );
    }
  }

  /** The hot path: no async function, whose promises cost more than the publication. */
  #whole(request: HttpRequest, form: 'json' | 'msgpack'): Promise<HttpReply> {
    return request
      .readBody(this.#maxBodyBytes)
      .then(
        (body) =>
          body === 'too large'
            ? bodyTooLarge(request, `the body may have ${this.#maxBodyBytes} bytes`)
            : this.#publishBody(body, form),
        aborted,
      );
  }

  #publishBody(body: Uint8Array, form: 'json' | 'msgpack'): HttpReply | Promise<HttpReply> {
    const reading = this.#reader[form](body, Date.now());
    if ('refusal' in reading) return refusedAt(reading.refusal, reading.index);
    const { entries, isBatch } = reading;
    for (let index = 0; index < entries.length; index += 1) {
      const refusal = this.#publisher.refusalOf(entries[index] as Entry);
      if (refusal !== null) return refusedAt(refusal, isBatch ? index : null);
    }
    if (!entries.every(({ channel }) => this.#publisher.isAvailable(channel)))
      return refusalReply(unavailable);
    const result = this.#publisher.publish(entries);
    return result instanceof Promise
      ? result.then((settled) => publishedReply(entries.length, isBatch, settled))
      : publishedReply(entries.length, isBatch, result);
  }

  async #lines(request: HttpRequest): Promise<HttpReply> {
    const splitter = new LineSplitter(this.#maxBodyBytes);
    const tally = new Tally();
    try {
      for await (const piece of request.bodyChunks()) {
        await this.#publishLines(splitter.push(piece), tally);
        if (splitter.tooLong)
          return bodyTooLarge(request, `a line may have ${this.#maxBodyBytes} bytes`, tally.report());
      }
    } catch (error) {
      // The peer has gone; its last, unfinished line with it.
      if (error instanceof Error && error.name === 'BodyAborted') return aborted();
      throw error;
    }
    await this.#publishLines([splitter.end()], tally);
    return tally.reply();
  }

  /** Publishes the good ones among some lines, and waits until it is known what became of them. */
  async #publishLines(lines: Iterable<Uint8Array>, tally: Tally): Promise<void> {
    const entries: Entry[] = [];
    const lineOf: number[] = [];
    for (const line of lines) {
      tally.line += 1;
      if (isBlank(line)) continue;
      const read = this.#readLine(line);
      if (!('error' in read)) {
        entries.push(read);
        lineOf.push(tally.line);
        continue;
      }
      tally.refuse(read, tally.line);
      this.#metrics.apiErrors.values[read.error] += 1;
    }
    const { unknown, failed, refused, receipts } = await this.#publisher.publish(entries);
    receipts?.forEach((receipt, index) => {
      if (receipt !== null) tally.standsAt(entries[index]?.channel ?? '', receipt);
    });
    tally.unknown += unknown;
    tally.published += entries.length - unknown - failed.length - refused.length;
    for (const [indices, refusal] of [
      [failed, historyUnavailable],
      [refused, keyRefused],
    ] as const)
      for (const index of indices) {
        tally.refuse(refusal, lineOf[index] ?? 0);
        this.#metrics.apiErrors.values[refusal.error] += 1;
      }
  }

  #readLine(line: Uint8Array): Entry | Refusal {
    const reading = this.#reader.json(line, Date.now());
    if ('refusal' in reading) return reading.refusal;
    const [entry] = reading.entries;
    if (reading.isBatch || entry === undefined)
      return refuse('bad_request', 'a line is one publication, not a batch');
    return (
      this.#publisher.refusalOf(entry) ?? (this.#publisher.isAvailable(entry.channel) ? entry : unavailable)
    );
  }
}

/** What became of the lines of a stream. */
class Tally {
  line = 0;
  published = 0;
  unknown = 0;
  #refused = 0;
  #unavailable = false;
  readonly #errors: object[] = [];
  /** By channel, of the last publication that went into its history. */
  readonly #positions = new Map<string, Position>();

  refuse(refusal: Refusal, line: number): void {
    this.#refused += 1;
    if (refusal.error === 'unavailable') this.#unavailable = true;
    if (this.#errors.length < maxListedErrors) this.#errors.push({ line, ...errorOf(refusal) });
  }

  standsAt(channel: string, { position }: Receipt): void {
    if (position === null) return;
    const known = this.#positions.get(channel);
    // What was repeated is older.
    if (known?.epoch === position.epoch && known.offset > position.offset) return;
    if (known !== undefined || this.#positions.size < maxListedPositions)
      this.#positions.set(channel, position);
  }

  report() {
    const positions = Array.from(this.#positions, ([channel, position]) => ({ channel, ...position }));
    return {
      published: this.published,
      refused: this.#refused,
      unknown: this.unknown,
      errors: this.#errors,
      ...(positions.length > 0 && { positions }),
    };
  }

  reply(): HttpReply {
    if (this.unknown > 0) return refusalReply(outcomeUnknown, this.report());
    return this.#unavailable ? refusalReply(unavailable, this.report()) : json(200, this.report());
  }
}

function publishedReply(count: number, isBatch: boolean, result: Result): HttpReply {
  const { unknown, failed, refused, receipts } = result;
  if (unknown === 0 && failed.length === 0 && refused.length === 0 && receipts === null)
    return isBatch ? json(200, { published: count }) : onePublished;
  const published = count - unknown - failed.length - refused.length;
  const report = isBatch ? { published, positions: receipts?.map(positionOf) } : {};
  if (unknown > 0) return refusalReply(outcomeUnknown, isBatch ? { ...report, unknown } : {});
  if (failed.length > 0)
    return refusalReply(historyUnavailable, isBatch ? { ...report, failed: failed.length } : {});
  if (refused.length > 0) return refusalReply(keyRefused, isBatch ? { ...report, refused } : {});
  return json(200, isBatch ? report : { published, ...positionOf(receipts?.[0] ?? null) });
}

function positionOf(receipt: Receipt | null): object | null {
  return receipt === null ? null : { ...receipt.position, duplicate: receipt.duplicate || undefined };
}

function refusedAt(refusal: Refusal, index: number | null): HttpReply {
  return refusalReply(refusal, index === null ? {} : { index });
}

/** A body that does not say how long it is may never end: its connection does. */
function bodyTooLarge(request: HttpRequest, message: string, more: object = {}): HttpReply {
  const headers = request.header('content-length') === null ? { Connection: 'close' } : {};
  return refusalReply(refuse('payload_too_big', message, { headers }), more);
}

function aborted(): HttpReply {
  return refusalReply(bodyAborted);
}

function isBlank(line: Uint8Array): boolean {
  return line.length === 0 || (line.length === 1 && line[0] === 0x0d);
}
