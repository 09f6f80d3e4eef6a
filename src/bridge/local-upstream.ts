/**
 * What stands behind a relay without Redis: nothing. The relay hands messages from one worker to the others, and keeps the
 * history of all of them. Nothing outlives it, so its identity is new at each start.
 */
import { randomBytes } from 'node:crypto';
import type { ReadValue, WireValue } from '../protocol/relay-frame.ts';
import type { ServerIdentity } from './broker.ts';
import {
  type RelayUpstream,
  type RelayUpstreamEvents,
  type RelayUpstreams,
  refusal,
} from './relay-upstream.ts';
import { hostItself, type RelayedPlace } from './relayed-place.ts';

/** Values that are settled at most; workers of one version settle one. */
const maxSettled = 16;

/** The history that the relay keeps for the host (`history/kept-history.ts`). */
export interface HostHistory {
  /** @param hand takes a frame for the pub/sub channel of a shard */
  start(hand: (channel: string, frame: Buffer) => void): void;
  ask(question: readonly ReadValue[]): Promise<WireValue>;
  stop(): Promise<void>;
}

export class LocalUpstream implements RelayUpstream {
  readonly place: RelayedPlace;
  readonly #identity: ServerIdentity = { runId: randomBytes(20).toString('hex'), role: 'master' };
  readonly #history: HostHistory | null;
  readonly #settled = new Map<string, string>();
  #events: RelayUpstreamEvents | null = null;

  /** @param controlChannel of beats and questions, in which a worker wants to hear what it has published itself */
  constructor(history: HostHistory | null, controlChannel: string) {
    this.#history = history;
    this.place = { id: hostItself, name: '', shards: [], controlChannel, layoutKey: '', layout: '' };
  }

  start(events: RelayUpstreamEvents): void {
    this.#events = events;
    this.#history?.start((channel, frame) => events.message(channel, frame, null));
  }

  identity(): ServerIdentity {
    return this.#identity;
  }

  async publish(channel: string, bytes: Buffer, from: string): Promise<void> {
    this.#events?.message(channel, bytes, channel === this.place.controlChannel ? null : from);
  }

  async subscribe(): Promise<void> {}

  async unsubscribe(): Promise<void> {}

  async identify(): Promise<ServerIdentity> {
    return this.#identity;
  }

  async settle(key: string, value: string): Promise<string> {
    const settled = this.#settled.get(key);
    if (settled !== undefined) return settled;
    if (this.#settled.size >= maxSettled) throw refusal('too many values');
    this.#settled.set(key, value);
    return value;
  }

  async run(): Promise<WireValue> {
    throw refusal('there is no Redis behind this relay');
  }

  async askHistory(question: readonly ReadValue[]): Promise<WireValue> {
    if (this.#history === null) throw refusal('no channel has a history');
    return await this.#history.ask(question);
  }

  /** As the only place that there is. */
  alone(): RelayUpstreams {
    return {
      start: (onChange) => onChange([this]),
      stop: async () => await this.#history?.stop(),
    };
  }
}
