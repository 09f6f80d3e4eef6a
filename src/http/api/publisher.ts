/**
 * The API's way to publish: whether a publication is allowed, and what became of those that were.
 */
import type { ChannelPolicy } from '../../auth/channel-policy.ts';
import type { Outcome } from '../../bridge/bridge.ts';
import type { Broadcaster } from '../../broadcaster.ts';
import { channelNameRule, isChannelName } from '../../channel/channel-name.ts';
import { noLatestValues, tooManyKeys } from '../../channel/latest-values.ts';
import type { Position } from '../../channel/position.ts';
import type { Publication } from '../../channel/publication.ts';
import type { Appended } from '../../history/history.ts';
import type { Metrics } from '../../metrics/metrics.ts';
import { type Refusal, refuse } from './api-error.ts';
import type { Entry } from './publication-reader.ts';

export interface PublisherOptions {
  broadcaster: Pick<Broadcaster, 'publishConfirmed' | 'reachesOthers'>;
  policy: Pick<ChannelPolicy, 'mayPublish' | 'maxPayloadBytes' | 'keepsLatest'>;
  metrics: Pick<Metrics, 'apiPublications'>;
}

export const unavailable = refuse(
  'unavailable',
  'the other nodes cannot be reached now, so it was delivered nowhere',
  { headers: { 'Retry-After': '1' } },
);

/** Said of a publication into a channel with history that could not be appended. */
export const historyUnavailable = refuse(
  'unavailable',
  'the history of this channel cannot be reached now, so it was delivered nowhere',
  { headers: { 'Retry-After': '1' } },
);

/** Said of a publication whose key has no room in its channel. */
export const keyRefused = refuse('too_many_keys', tooManyKeys);

/** What there is to say of a publication that was published. */
export interface Receipt {
  /** Where it is in the history of its channel; null if there is none. */
  readonly position: Position | null;
  /** Its idempotency key was used before: nothing was published now. */
  readonly duplicate: boolean;
}

/** What became of publications. */
export interface Result {
  /** Of how many nobody knows whether they reached the other nodes, or the history. */
  readonly unknown: number;
  /** The places of those that are in no history and were delivered nowhere. */
  readonly failed: readonly number[];
  /** The places of those that would have kept more than the bounds of latest values allow; likewise. */
  readonly refused: readonly number[];
  /** By place, null where there is nothing to say; null if that is all of them. */
  readonly receipts: readonly (Receipt | null)[] | null;
}

const allConfirmed: Result = { unknown: 0, failed: [], refused: [], receipts: null };

export class Publisher {
  readonly #options: PublisherOptions;

  constructor(options: PublisherOptions) {
    this.#options = options;
  }

  /** False while it is known that a publication would not reach the other nodes; it is then not even begun. */
  isAvailable(channel: string): boolean {
    return this.#options.broadcaster.reachesOthers(channel);
  }

  /** Why a publication may not be published, or null. */
  refusalOf({ channel, publication }: Entry): Refusal | null {
    const { policy } = this.#options;
    if (!isChannelName(channel)) return refuse('bad_channel', channelNameRule);
    if (!policy.mayPublish(channel, 'api'))
      return refuse('not_permitted', 'nobody may publish in this namespace');
    if (publication.key !== null && !policy.keepsLatest(channel))
      return refuse('bad_request', noLatestValues);
    const allowed = policy.maxPayloadBytes(channel);
    return isLonger(publication, allowed)
      ? refuse('payload_too_big', `a payload may have ${allowed} bytes in this namespace`)
      : null;
  }

  /**
   * Publishes in order. In channels without history this node's subscribers get it before the call returns.
   */
  publish(entries: readonly Entry[]): Result | Promise<Result> {
    const { broadcaster, metrics } = this.#options;
    metrics.apiPublications.value += entries.length;
    let unknown = 0;
    let receipts: (Receipt | null)[] | null = null;
    let underWay: Map<Promise<Outcome | Appended>, number[]> | null = null;
    for (let index = 0; index < entries.length; index += 1) {
      const { channel, publication, idempotencyKey } = entries[index] as Entry;
      const outcome = broadcaster.publishConfirmed(channel, publication, idempotencyKey);
      if (outcome === 'confirmed') continue;
      if (outcome === 'duplicate') {
        receipts ??= noReceipts(entries.length);
        receipts[index] = { position: null, duplicate: true };
        continue;
      }
      if (typeof outcome === 'string') {
        unknown += 1;
        continue;
      }
      // Those that travel together share their promise.
      underWay ??= new Map();
      const sharing = underWay.get(outcome);
      if (sharing === undefined) underWay.set(outcome, [index]);
      else sharing.push(index);
    }
    if (underWay !== null) return settle(underWay, entries.length, { unknown, receipts });
    return unknown === 0 && receipts === null ? allConfirmed : { ...allConfirmed, unknown, receipts };
  }
}

async function settle(
  underWay: ReadonlyMap<Promise<Outcome | Appended>, readonly number[]>,
  count: number,
  before: Pick<Result, 'unknown'> & { receipts: (Receipt | null)[] | null },
): Promise<Result> {
  let { unknown, receipts } = before;
  const failed: number[] = [];
  const refused: number[] = [];
  for (const [promise, indices] of underWay) {
    const settled = await promise;
    if (typeof settled === 'string') {
      if (settled !== 'confirmed') unknown += indices.length;
    } else if (settled.outcome === 'confirmed') {
      const { position, duplicate } = settled;
      receipts ??= noReceipts(count);
      for (const index of indices) receipts[index] = { position, duplicate };
    } else if (settled.outcome === 'unknown') unknown += indices.length;
    else if (settled.outcome === 'refused') refused.push(...indices);
    else failed.push(...indices);
  }
  return { unknown, failed, refused, receipts };
}

function noReceipts(count: number): (Receipt | null)[] {
  return new Array<Receipt | null>(count).fill(null);
}

function isLonger({ content }: Publication, bytes: number): boolean {
  if (typeof content !== 'string') return content.byteLength > bytes;
  // A UTF-16 unit is one to three bytes: most texts need not be counted.
  return content.length > bytes || (content.length * 3 > bytes && Buffer.byteLength(content) > bytes);
}
