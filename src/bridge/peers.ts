/**
 * Who else is there, from the beats, and what a silence means.
 *
 * One's own beat must come back: it proves the way to Redis and from it. That alone would stay green if this node and a
 * former master were cut off together, for the old master still answers and echoes. So the beats of the others count too:
 * when one of them falls silent, either it died or it is elsewhere now, and somebody must look. One is enough: those who
 * stay behind with us would go on hearing us, and we them.
 *
 * Whoever looks may be told too early that all is well: a server of a Redis Cluster vouches for itself until
 * `cluster-node-timeout` has passed. So a silence goes on to count for `doubtMs`, also when that peer has been forgotten.
 */

import type { NodeCounts } from '../protocol/beat.ts';

export interface Peer {
  readonly bootId: string;
  readonly nodeId: string;
  heardAt: number;
  /** When somebody looked why it is silent; null while it is not. */
  lookedAt: number | null;
  /** From its last beat; null if that does not tell. */
  counts: NodeCounts | null;
}

/**
 * - `alive`: as far as the beats tell.
 * - `deaf`: our own beats do not come back.
 * - `missing`: ours do, but somebody else fell silent, and nobody has looked why for a while.
 */
export type Verdict = 'alive' | 'deaf' | 'missing';

/** Peers that are told apart; more would be garbage or an attack. */
const maxPeers = 4_096;

export class Peers {
  readonly #ownBootId: string;
  readonly #silenceMs: number;
  readonly #peers = new Map<string, Peer>();
  #ownBeatAt = Number.NEGATIVE_INFINITY;
  /** The last beat of whoever was forgotten last. */
  #goneHeardAt = Number.NEGATIVE_INFINITY;

  /** @param silenceMs without a beat, a node counts as silent */
  constructor(ownBootId: string, silenceMs: number) {
    this.#ownBootId = ownBootId;
    this.#silenceMs = silenceMs;
  }

  /** The other nodes that are known. */
  get count(): number {
    return this.#peers.size;
  }

  [Symbol.iterator](): Iterator<Peer> {
    return this.#peers.values();
  }

  /** Everybody starts anew: the connection is a new one, or this process stood still and could not hear. */
  excuse(now: number): void {
    this.#ownBeatAt = now;
    for (const peer of this.#peers.values()) peer.heardAt = now;
  }

  /** A beat arrived. Returns true if it is the first of its sender, which is known from now on. */
  heard(bootId: string, nodeId: string, now: number, counts: NodeCounts | null = null): boolean {
    if (bootId === this.#ownBootId) {
      this.#ownBeatAt = now;
      return false;
    }
    const peer = this.#peers.get(bootId);
    if (peer !== undefined) {
      peer.heardAt = now;
      peer.lookedAt = null;
      peer.counts = counts;
    }
    if (peer !== undefined || this.#peers.size >= maxPeers) return false;
    this.#peers.set(bootId, { bootId, nodeId, heardAt: now, lookedAt: null, counts });
    return true;
  }

  verdict(now: number): Verdict {
    if (now - this.#ownBeatAt > this.#silenceMs) return 'deaf';
    for (const { heardAt, lookedAt } of this.#peers.values())
      if (now - Math.max(heardAt, lookedAt ?? heardAt) > this.#silenceMs) return 'missing';
    return 'alive';
  }

  /** Somebody has looked: we are where we should be, so whoever is silent now is asked about again only after a while. */
  looked(now: number): void {
    for (const peer of this.#peers.values()) if (now - peer.heardAt > this.#silenceMs) peer.lookedAt = now;
  }

  /** Removes peers that have been silent for long, and returns them. */
  forgetSilent(now: number, afterMs: number): Peer[] {
    const gone = [...this.#peers.values()].filter((peer) => now - peer.heardAt > afterMs);
    for (const peer of gone) {
      this.#peers.delete(peer.bootId);
      this.#goneHeardAt = Math.max(this.#goneHeardAt, peer.heardAt);
    }
    return gone;
  }

  /** Somebody is silent, or was forgotten and had been heard within `doubtMs`: whatever was seen since, it may be us who are elsewhere. */
  anySilence(now: number, doubtMs: number): boolean {
    if (now - this.#goneHeardAt <= doubtMs) return true;
    for (const { heardAt } of this.#peers.values()) if (now - heardAt > this.#silenceMs) return true;
    return false;
  }
}
