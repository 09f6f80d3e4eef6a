/**
 * The beats on one Redis: once a second this node tells all others that it is there and how far it has counted, and hears
 * the same of them. What a silence means is decided in `peers.ts`.
 */
import type { Clock } from '../clock.ts';
import { type NodeCounts, readBeat, writeBeat } from '../protocol/beat.ts';
import type { FrameSender } from '../protocol/bridge-frame.ts';
import { type Peer, Peers, type Verdict } from './peers.ts';

export const beatEveryMs = 1_000;
/** Two beats may be late before anybody is worried. */
const silenceMs = 2_500;
/** A peer without a beat for this long has gone. */
const forgetPeersAfterMs = 10_000;
/**
 * For how long a peer that fell silent is a reason to doubt a Redis that cannot be seen to be the right one. Longer than any sensible
 * `cluster-node-timeout` (15 s by default), after which a server notices that it was left behind, and up to half as much again.
 */
const doubtMs = 60_000;

export interface BeatsOptions {
  sender: FrameSender;
  clock: Pick<Clock, 'now'>;
  /** The last number of each shard on this Redis in which this node has sent a frame. */
  sequences(): ReadonlyMap<number, number>;
  /** What is on this node; null while nobody tells. */
  counts(): NodeCounts | null;
  /** Another node was heard for the first time. */
  onNewcomer(peer: Pick<Peer, 'nodeId' | 'bootId'>): void;
  /** What another node has sent in each shard, by its own count. */
  onSequences(bootId: string, sequences: ReadonlyMap<number, number>): void;
  /** A peer has been silent for long. */
  onGone(bootId: string): void;
}

/** What arrived: `own` is the server on which our own beat was published. */
export type HeardBeat = 'malformed' | 'of a peer' | { readonly own: string };

export class Beats {
  readonly #options: BeatsOptions;
  readonly #peers: Peers;
  #lastRoundAt: number;

  constructor(options: BeatsOptions) {
    this.#options = options;
    this.#peers = new Peers(options.sender.bootId, silenceMs);
    this.#lastRoundAt = options.clock.now();
  }

  /** The other nodes that are known. */
  get peers(): Iterable<Peer> & { readonly count: number } {
    return this.#peers;
  }

  /** The beat of this node, through the server with that `run_id`. */
  write(runId: string): Buffer {
    const { sender, sequences, counts } = this.#options;
    return writeBeat({ ...sender, runId, sentAt: Date.now(), sequences: sequences(), counts: counts() });
  }

  receive(bytes: Buffer): HeardBeat {
    const { sender, clock, onNewcomer, onSequences } = this.#options;
    const beat = readBeat(bytes);
    if (beat === null) return 'malformed';
    const { bootId, nodeId, runId, counts } = beat;
    const isNew = this.#peers.heard(bootId, nodeId, clock.now(), counts);
    if (bootId === sender.bootId) return { own: runId };
    if (isNew) onNewcomer({ bootId, nodeId });
    onSequences(bootId, beat.sequences);
    return 'of a peer';
  }

  /** Once each `beatEveryMs`: forgets who has gone. */
  round(): void {
    const { clock, onGone } = this.#options;
    const now = clock.now();
    // This process stood still: what came meanwhile waits in the sockets and has not been read yet.
    if (now - this.#lastRoundAt > 2 * beatEveryMs) this.#peers.excuse(now);
    this.#lastRoundAt = now;
    for (const { bootId } of this.#peers.forgetSilent(now, forgetPeersAfterMs)) onGone(bootId);
  }

  /** Everybody is given time anew: the connection is a new one. */
  excuse(): void {
    this.#peers.excuse(this.#options.clock.now());
  }

  verdict(): Verdict {
    return this.#peers.verdict(this.#options.clock.now());
  }

  /** Somebody fell silent not long ago, looked after or not. */
  anySilence(): boolean {
    return this.#peers.anySilence(this.#options.clock.now(), doubtMs);
  }

  /** Somebody has looked, and this is the right Redis: whoever is silent is gone. */
  looked(): void {
    this.#peers.looked(this.#options.clock.now());
  }
}
