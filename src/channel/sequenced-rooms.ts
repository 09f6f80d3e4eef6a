/**
 * The channels with history of this node: those with a room, and those that somebody is about to join.
 *
 * Each of them is compared with its history when there is a doubt, soon after it has fallen quiet, and then now and again, so
 * that the loss of the last publications before a silence is found too.
 */
import type { Clock, Timer } from '../clock.ts';
import type { History } from '../history/history.ts';
import type { HistoryMetrics, LatestMetrics } from '../metrics/history-metrics.ts';
import { Gate } from './gate.ts';
import type { ChannelWatch, Hub } from './hub.ts';
import { LatestCopy } from './latest-copy.ts';
import { isSequenced, type Retention } from './position.ts';
import { SequencedChannel, type SequencedChannelOptions } from './sequenced-channel.ts';

/** Channels that read the history at once to heal. */
const maxHealing = 16;
const tickMs = 1_000;
/** After this long without a publication a channel is compared with its history, and from then on each time that. */
const quietMs = 2_000;
const checkEveryMs = 30_000;
/** Comparisons that one tick begins. */
const maxChecksPerTick = 500;

export interface SequencedRoomsOptions {
  history: Pick<History, 'start' | 'read' | 'top' | 'latest'>;
  hub: Pick<Hub, 'broadcastSequenced' | 'moveTo' | 'healed' | 'replace'>;
  /** Whether what is published on other nodes arrives now. */
  reaches(channel: string): boolean;
  retention(channel: string): Retention;
  /** Of the latest publications of one channel, and of all together with the latest values of all. */
  maxTailBytes: number;
  maxTailBytesTogether: number;
  clock: Clock;
  metrics: HistoryMetrics;
  latestMetrics: LatestMetrics;
}

export class SequencedRooms implements ChannelWatch {
  readonly #options: SequencedRoomsOptions;
  readonly #channels = new Map<string, SequencedChannel>();
  readonly #common: SequencedChannelOptions;
  readonly #timer: Timer;
  #makesRoom = false;

  constructor(options: SequencedRoomsOptions) {
    const { history, hub, reaches, clock, metrics, maxTailBytes, maxTailBytesTogether } = options;
    this.#options = options;
    this.#common = {
      history,
      hub,
      reaches,
      gate: new Gate({ maxInside: maxHealing, maxWaiting: Number.POSITIVE_INFINITY, clock }),
      maxTailBytes,
      clock,
      metrics,
      onTailBytes: (difference) => {
        metrics.tailBytes.value += difference;
        if (this.#bytesAtHand > maxTailBytesTogether) this.#makeRoom();
      },
    };
    history.start((channel, batch) => this.#channels.get(channel)?.receive(batch));
    this.#timer = clock.every(tickMs, () => this.#tick());
  }

  /** The first local subscriber of a channel has come. */
  opened(channel: string): void {
    if (!isSequenced(this.#options.retention(channel))) return;
    const sequenced = this.#of(channel);
    const { position } = sequenced.tail;
    sequenced.isOpen = true;
    sequenced.checkAt = this.#options.clock.now() + quietMs;
    if (position !== null) this.#options.hub.moveTo(channel, position, null);
    const settled = sequenced.settle();
    if (position === null)
      sequenced.standing = settled.finally(() => {
        sequenced.standing = null;
      });
  }

  /** Resolves when a channel with subscribers has read where it stands, or could not; null if nobody has to wait for that. */
  standing(channel: string): Promise<boolean> | null {
    return this.#channels.get(channel)?.standing ?? null;
  }

  /** The last local subscriber of a channel has left. */
  closed(channel: string): void {
    const sequenced = this.#channels.get(channel);
    if (sequenced === undefined) return;
    sequenced.isOpen = false;
    this.#forget(sequenced);
  }

  /** Somebody is about to join a channel: what is handed out from now on is kept for him. */
  hold(channel: string): SequencedChannel {
    const sequenced = this.#of(channel);
    sequenced.holders += 1;
    return sequenced;
  }

  /** Takes back one `hold`. */
  release(sequenced: SequencedChannel): void {
    sequenced.holders -= 1;
    this.#forget(sequenced);
  }

  /** In some channels something may not have arrived. */
  doubt(concerns: (channel: string) => boolean): void {
    for (const [channel, sequenced] of this.#channels) {
      if (!concerns(channel)) continue;
      sequenced.doubt();
      void sequenced.settle();
    }
  }

  /** Clients were told that nothing of other nodes arrives in these from now on: in each channel they are told when that is over. */
  away(concerns: (channel: string) => boolean): void {
    for (const [channel, sequenced] of this.#channels)
      if (sequenced.isOpen && concerns(channel)) sequenced.degraded = true;
  }

  /** The history can be asked (again). */
  reachable(): void {
    for (const sequenced of this.#channels.values()) if (sequenced.doubtful) void sequenced.settle();
  }

  stop(): void {
    this.#timer.cancel();
    for (const sequenced of this.#channels.values()) sequenced.close();
    this.#channels.clear();
  }

  #of(channel: string): SequencedChannel {
    let sequenced = this.#channels.get(channel);
    if (sequenced === undefined) {
      const { retention, latestMetrics } = this.#options;
      const latest = retention(channel).latest === undefined ? null : new LatestCopy(latestMetrics);
      sequenced = new SequencedChannel(channel, this.#common, latest);
      this.#channels.set(channel, sequenced);
    }
    return sequenced;
  }

  #forget(sequenced: SequencedChannel): void {
    if (sequenced.isOpen || sequenced.holders > 0) return;
    this.#channels.delete(sequenced.channel);
    sequenced.close();
  }

  #tick(): void {
    const { clock, retention } = this.#options;
    const now = clock.now();
    let checks = 0;
    for (const sequenced of this.#channels.values()) {
      const quietSince = sequenced.heardAt;
      // What the history has forgotten by now.
      if (now - quietSince > retention(sequenced.channel).ttlMs) sequenced.emptyTail();
      if (!sequenced.isOpen) continue;
      // What goes on proves itself.
      if (sequenced.checkAt < quietSince + quietMs) sequenced.checkAt = quietSince + quietMs;
      if (sequenced.checkAt > now || checks === maxChecksPerTick) continue;
      checks += 1;
      sequenced.checkAt = now + checkEveryMs;
      void sequenced.heal();
    }
  }

  get #bytesAtHand(): number {
    const { metrics, latestMetrics } = this.#options;
    return metrics.tailBytes.value + latestMetrics.bytes.value;
  }

  /** The channels that have been here longest lose what is kept of them. */
  #makeRoom(): void {
    // What is given back is told as every other change is.
    if (this.#makesRoom) return;
    this.#makesRoom = true;
    for (const sequenced of this.#channels.values()) {
      if (this.#bytesAtHand <= this.#options.maxTailBytesTogether * 0.75) break;
      sequenced.makeRoom();
    }
    this.#makesRoom = false;
  }
}
