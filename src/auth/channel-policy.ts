/**
 * Who may do what in which channel, by the namespace that the channel belongs to.
 *
 * Asked for every publication, so a question costs one search for the colon and one look-up. Channels are named by clients:
 * whatever they send is a key of a Map that is there or not, and a name without a namespace of its own is `default`'s.
 */
import { isSequenced, type Retention } from '../channel/position.ts';
import { defaultNamespace, type Namespace, type Permission, systemNamespace } from '../config/namespaces.ts';

/** - `client`: whoever has a WebSocket; `api`: whoever may use the admin listener. */
export type Actor = 'client' | 'api';

/** Of nodes themselves: nothing is kept, whatever holds for others, and nobody is let in. */
const closed = {
  subscribe: 'nobody',
  publish: 'nobody',
  compress: false,
  historySize: 0,
  latest: 0,
} as const satisfies Partial<Namespace>;

export class ChannelPolicy {
  readonly #namespaces: ReadonlyMap<string, Namespace>;
  readonly #default: Namespace;
  readonly #retentions: ReadonlyMap<Namespace, Retention>;
  /** Some channel is compressed. */
  readonly compressesAny: boolean;
  /** Something is kept of some channel. */
  readonly keepsAny: boolean;

  /** @param namespaces what holds in each, `default` included */
  constructor(namespaces: ReadonlyMap<string, Namespace>) {
    const fallback = namespaces.get(defaultNamespace);
    if (fallback === undefined) throw new TypeError('the namespace "default" is missing');
    this.#namespaces = new Map(namespaces).set(systemNamespace, { ...fallback, ...closed });
    this.#default = fallback;
    const all = [...this.#namespaces.values()];
    this.#retentions = new Map(all.map((namespace) => [namespace, retentionOf(namespace)]));
    this.compressesAny = all.some(({ compress }) => compress);
    this.keepsAny = [...this.#retentions.values()].some(isSequenced);
  }

  /** The name of the namespace that the channel belongs to. */
  namespaceOf(channel: string): string {
    const name = channel.slice(0, Math.max(0, channel.indexOf(':')));
    return this.#namespaces.has(name) ? name : defaultNamespace;
  }

  maySubscribe(channel: string, who: Actor): boolean {
    return permits(this.#of(channel).subscribe, who);
  }

  mayPublish(channel: string, who: Actor): boolean {
    return permits(this.#of(channel).publish, who);
  }

  /** The largest payload of one publication in the channel; never more than the node's. */
  maxPayloadBytes(channel: string): number {
    return this.#of(channel).maxPayloadBytes;
  }

  /** How long a publication of the channel may wait on a node for others, in milliseconds. */
  maxDelayMs(channel: string): number {
    return this.#of(channel).maxDelayMs;
  }

  /** Whether anything is kept of the channel, so that its publications are numbered. */
  keepsHistory(channel: string): boolean {
    return isSequenced(this.retention(channel));
  }

  /** Whether publications of the channel may have a key. */
  keepsLatest(channel: string): boolean {
    return this.#of(channel).latest > 0;
  }

  /** Whether what is broadcast in the channel goes compressed to those who agreed on it. */
  compresses(channel: string): boolean {
    return this.#of(channel).compress;
  }

  /** Whether raw members are closed when publications may be missing in the channel. */
  closesRawOnGap(channel: string): boolean {
    return this.#of(channel).rawGap === 'close';
  }

  /** What is kept of the channel. */
  retention(channel: string): Retention {
    return this.#retentions.get(this.#of(channel)) as Retention;
  }

  #of(channel: string): Namespace {
    const colon = channel.indexOf(':');
    if (colon === -1) return this.#default;
    return this.#namespaces.get(channel.slice(0, colon)) ?? this.#default;
  }
}

function permits(permission: Permission, who: Actor): boolean {
  return permission === 'anyone' || (permission === 'api' && who === 'api');
}

function retentionOf({ historySize, historyTtlMs, latest, latestMaxBytes }: Namespace): Retention {
  const kept = { size: historySize, ttlMs: historyTtlMs };
  return latest === 0 ? kept : { ...kept, latest: { maxKeys: latest, maxBytes: latestMaxBytes } };
}
