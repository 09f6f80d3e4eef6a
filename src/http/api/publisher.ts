/**
 * The API's way to publish: whether a publication is allowed, and what became of those that were.
 */
import type { ChannelPolicy } from '../../auth/channel-policy.ts';
import type { Outcome } from '../../bridge/bridge.ts';
import type { Broadcaster } from '../../broadcaster.ts';
import { channelNameRule, isChannelName } from '../../channel/channel-name.ts';
import type { Publication } from '../../channel/publication.ts';
import type { Metrics } from '../../metrics/metrics.ts';
import { type Refusal, refuse } from './api-error.ts';
import type { Entry } from './publication-reader.ts';

export interface PublisherOptions {
  broadcaster: Pick<Broadcaster, 'publishConfirmed' | 'reachesOthers'>;
  policy: Pick<ChannelPolicy, 'mayPublish' | 'maxPayloadBytes'>;
  metrics: Pick<Metrics, 'apiPublications'>;
}

export const unavailable = refuse(
  'unavailable',
  'the other nodes cannot be reached now, so it was delivered nowhere',
  { headers: { 'Retry-After': '1' } },
);

export class Publisher {
  readonly #options: PublisherOptions;

  constructor(options: PublisherOptions) {
    this.#options = options;
  }

  /** False while it is known that a publication would not reach the other nodes; it is then not even begun. */
  get available(): boolean {
    return this.#options.broadcaster.reachesOthers;
  }

  /** Why a publication may not be published, or null. */
  refusalOf({ channel, publication }: Entry): Refusal | null {
    const { policy } = this.#options;
    if (!isChannelName(channel)) return refuse('bad_channel', channelNameRule);
    if (!policy.mayPublish(channel, 'api'))
      return refuse('not_permitted', 'nobody may publish in this namespace');
    const allowed = policy.maxPayloadBytes(channel);
    return isLonger(publication, allowed)
      ? refuse('payload_too_big', `a payload may have ${allowed} bytes in this namespace`)
      : null;
  }

  /**
   * Publishes in order. This node's subscribers get all of it before the call returns.
   *
   * @returns for how many of them the other nodes' bridge has not confirmed that it took them
   */
  publish(entries: readonly Entry[]): number | Promise<number> {
    const { broadcaster, metrics } = this.#options;
    metrics.apiPublications.value += entries.length;
    let unconfirmed = 0;
    let underWay: Map<Promise<Outcome>, number> | null = null;
    for (const { channel, publication } of entries) {
      const outcome = broadcaster.publishConfirmed(channel, publication);
      if (outcome === 'confirmed') continue;
      if (typeof outcome === 'string') {
        unconfirmed += 1;
        continue;
      }
      // Those that travel together share their promise.
      underWay ??= new Map();
      underWay.set(outcome, (underWay.get(outcome) ?? 0) + 1);
    }
    return underWay === null ? unconfirmed : settle(underWay, unconfirmed);
  }
}

async function settle(underWay: ReadonlyMap<Promise<Outcome>, number>, before: number): Promise<number> {
  let unconfirmed = before;
  for (const [outcome, count] of underWay) if ((await outcome) !== 'confirmed') unconfirmed += count;
  return unconfirmed;
}

function isLonger({ content }: Publication, bytes: number): boolean {
  if (typeof content !== 'string') return content.byteLength > bytes;
  // A UTF-16 unit is one to three bytes: most texts need not be counted.
  return content.length > bytes || (content.length * 3 > bytes && Buffer.byteLength(content) > bytes);
}
