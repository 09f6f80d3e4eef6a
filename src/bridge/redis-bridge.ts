/**
 * The bridge over Redis pub/sub.
 *
 * Channels hash onto shards; a shard is one Redis channel, on one of the servers that there are (`redis-place.ts`).
 * Publications are gathered per shard into frames (`protocol/bridge-frame.ts`) by the batcher and published on one connection
 * to that server; a second one is subscribed to the shards in which this node has subscribers, and to the control channel, on
 * which beats and questions go.
 *
 *     publish ─ outgoing frames (writer of the shard, batcher) ─ publisher ─ Redis ─ subscriber ─ frame intake ─ receive
 *
 * What goes out and what comes in is counted here, over all connections that there ever are; whether there is one is the
 * matter of `redis-server.ts`. With one of several servers away only its shards are concerned; the bridge as a whole then
 * counts as away.
 *
 * **What is lost.** Redis pub/sub forgets. A frame that cannot be sent is dropped, counted, and consumes its sequence
 * number, so that every receiver notices.
 */
import type { BatchLimits } from '../batching/batcher.ts';
import type { Publication } from '../channel/publication.ts';
import type { Clock } from '../clock.ts';
import type { Logger } from '../logger.ts';
import type { BridgeMetrics } from '../metrics/bridge-metrics.ts';
import type { FrameSender } from '../protocol/bridge-frame.ts';
import type { Question } from '../protocol/control.ts';
import { shardOf } from '../protocol/shard.ts';
import type { Bridge, BridgeState, OnAway, OnGap, Outcome, Receive } from './bridge.ts';
import type { Answers, Cluster, ClusterNode, LocalNode } from './cluster.ts';
import { FrameIntake } from './frame-intake.ts';
import { type OutgoingFrame, OutgoingFrames } from './outgoing-frames.ts';
import type { Peer } from './peers.ts';
import { QuietLog } from './quiet-log.ts';
import type { Placement, RedisPlace } from './redis-place.ts';
import { RedisServer } from './redis-server.ts';
import type { ServedHistory } from './served-history.ts';
import { ShardChannels } from './shard-channels.ts';

export interface RedisBridgeOptions {
  placement: Placement;
  prefix: string;
  shards: number;
  sender: FrameSender;
  /** Bytes that Redis may owe an answer for; over it, the connection is dropped. */
  maxBytesInFlight: number;
  batch: BatchLimits;
  /** Null if this node has no channels with history. */
  history: ServedHistory | null;
  clock: Clock;
  logger: Logger;
  metrics: BridgeMetrics;
  /** Called whenever `state` has changed. */
  onState(state: BridgeState): void;
  /** Called whenever one place has become connected or away; not for one that has gone. */
  onPlaceState?(place: RedisPlace, state: BridgeState): void;
}

export class RedisBridge implements Bridge, Cluster {
  readonly #options: RedisBridgeOptions;
  readonly #log: QuietLog;
  /** Local channels with a subscriber, by shard. */
  readonly #open: number[];
  readonly #channels: ShardChannels;
  readonly #outgoing: OutgoingFrames;
  readonly #intake: FrameIntake;
  #onGap: OnGap = () => {};
  #onAway: OnAway = () => {};
  #local: LocalNode | null = null;
  #servers: readonly RedisServer[] = [];
  /** By shard; null while nobody has it. */
  #serverOf: (RedisServer | null)[];
  #state: BridgeState = 'away';
  #running = false;

  constructor(options: RedisBridgeOptions) {
    const { prefix, shards, sender, batch, history, clock, metrics, logger } = options;
    this.#options = options;
    this.#log = new QuietLog(logger, clock);
    this.#open = new Array(shards).fill(0);
    this.#serverOf = new Array(shards).fill(null);
    this.#channels = new ShardChannels(prefix, shards, history);
    this.#outgoing = new OutgoingFrames({
      ...{ shards, sender, batch, clock },
      send: (frame) => this.#send(frame),
    });
    this.#intake = new FrameIntake({
      ...{ shards, bootId: sender.bootId, metrics, log: this.#log },
      onGap: (missing) => this.#onGap('bridge', (channel) => shardOf(channel, shards) === missing),
    });
  }

  get state(): BridgeState {
    return this.#state;
  }

  start(receive: Receive, onGap: OnGap, onAway: OnAway = () => {}): void {
    const { placement, metrics } = this.#options;
    this.#onGap = onGap;
    this.#onAway = onAway;
    this.#running = true;
    metrics.clusterNodes.value = 1;
    placement.start((places) => this.#settle(places, receive));
  }

  publish(channel: string, publication: Publication): void {
    if (!this.#running) return;
    this.#outgoing.add(this.#shardOf(channel), channel, publication);
  }

  publishConfirmed(
    channel: string,
    publication: Publication,
    idempotencyKey: string | null = null,
  ): Outcome | Promise<Outcome> {
    if (!this.#running) return 'failed';
    return this.#outgoing.addConfirmed(this.#shardOf(channel), channel, publication, idempotencyKey);
  }

  prepare(channel: string): boolean | Promise<boolean> {
    const shard = this.#shardOf(channel);
    const server = this.#serverOf[shard];
    if (server) return server.reaches(shard) ? true : server.prepare(shard);
    this.#options.metrics.subscribesDegraded.value += 1;
    return false;
  }

  reaches(channel: string): boolean {
    const shard = this.#shardOf(channel);
    return this.#serverOf[shard]?.reaches(shard) === true;
  }

  carries(channel: string): boolean {
    return this.#serverOf[this.#shardOf(channel)]?.state === 'connected';
  }

  opened(channel: string): void {
    const shard = this.#shardOf(channel);
    this.#open[shard] = (this.#open[shard] as number) + 1;
    this.#serverOf[shard]?.opened(shard);
  }

  closed(channel: string): void {
    const shard = this.#shardOf(channel);
    this.#open[shard] = (this.#open[shard] as number) - 1;
    this.#serverOf[shard]?.closed(shard);
  }

  represent(local: LocalNode): void {
    this.#local = local;
    for (const server of this.#servers) server.represent(local);
  }

  nodes(): ClusterNode[] {
    const now = this.#options.clock.now();
    return Array.from(this.#peers().values(), ({ nodeId, bootId, counts, heardAt }) => ({
      nodeId,
      bootId,
      counts,
      lastBeatAgeMs: Math.max(0, Math.round(now - heardAt)),
    }));
  }

  async ask(question: Question, to?: string): Promise<Answers> {
    const connected = this.#servers.filter(({ state }) => state === 'connected');
    // Nobody would hear it; who is there now is not known either.
    if (connected.length === 0) return { answers: [], complete: false };
    // Most nodes are on every server: each of them is asked once.
    const asked = new Set<string>();
    const all = await Promise.all(
      connected.map((server) => {
        const known = Array.from(server.peers, ({ bootId }) => bootId);
        const nodes = known.filter((bootId) => !asked.has(bootId) && (to ?? bootId) === bootId);
        for (const bootId of nodes) asked.add(bootId);
        return server.ask(question, nodes);
      }),
    );
    return {
      answers: all.flatMap(({ answers }) => answers),
      complete: all.every(({ complete }) => complete) && (to === undefined || asked.has(to)),
    };
  }

  async stop(): Promise<void> {
    if (!this.#running) return;
    this.#outgoing.flush();
    this.#running = false;
    this.#options.placement.stop();
    await Promise.all(this.#servers.map((server) => server.stop()));
  }

  /** From now on everything is in these places. */
  #settle(places: readonly RedisPlace[], receive: Receive): void {
    if (!this.#running) return;
    const before = this.#serverOf;
    const gone = this.#servers.filter(({ place }) => !places.includes(place));
    const awaySince = new Map(gone.map((server) => [server, server.awaySince]));
    for (const server of gone) void server.stop();
    this.#servers = places.map((place) => {
      const there = this.#servers.find((server) => server.place === place);
      if (there !== undefined) return there;
      const times = place.shards.map((shard) => awaySince.get(before[shard] as RedisServer) ?? null);
      const known = times.filter((time) => time !== null);
      return this.#join(place, known.length === 0 ? null : Math.min(...known), receive, places.length);
    });
    this.#serverOf = before.map(() => null);
    for (const server of this.#servers)
      for (const shard of server.place.shards) this.#serverOf[shard] = server;
    this.#options.metrics.servers.value = this.#servers.length;
    this.#stateChanged();
    this.#peersChanged(null);
  }

  #join(place: RedisPlace, awaySince: number | null, receive: Receive, places: number): RedisServer {
    const { placement, logger, clock } = this.#options;
    const server: RedisServer = new RedisServer({
      ...this.#options,
      ...{ place, awaySince, receive },
      channels: this.#channels,
      intake: this.#intake,
      log: places === 1 ? this.#log : new QuietLog(logger, clock, { redis: place.name }),
      onGap: (reason, concerns) => this.#onGap(reason, concerns),
      onLost: (concerns) => {
        // The last one takes all channels with it, and that is told at once for all of them.
        if (this.#options.metrics.serversConnected.value > 0) this.#onAway(concerns);
      },
      sequences: (shards) => this.#outgoing.lastSequences(shards),
      onState: () => {
        this.#options.onPlaceState?.(place, server.state);
        this.#stateChanged();
      },
      onSuspicion: () => placement.suspect(),
      onPeers: (newcomer) => this.#peersChanged(newcomer),
    });
    if (this.#local !== null) server.represent(this.#local);
    for (const shard of place.shards)
      for (let channels = this.#open[shard] as number; channels > 0; channels -= 1) server.opened(shard);
    return server;
  }

  #stateChanged(): void {
    const { metrics, onState } = this.#options;
    const connected = this.#servers.filter(({ state }) => state === 'connected').length;
    const before = metrics.serversConnected.value;
    metrics.serversConnected.value = connected;
    const whole = connected === this.#servers.length && this.#serverOf.every((server) => server !== null);
    const state = whole ? 'connected' : 'away';
    if (state !== this.#state) {
      this.#state = state;
      metrics.connected.value = whole ? 1 : 0;
      onState(state);
    }
    if (connected === 0 && before > 0) this.#onAway(null);
  }

  /** Publishes a frame, or drops it with its number. */
  #send(frame: OutgoingFrame): void {
    const server = this.#serverOf[frame.shard];
    if (server) {
      server.send(frame);
      return;
    }
    this.#options.metrics.publicationsDropped.values.away += frame.count;
    frame.settle('failed');
  }

  /** As whoever has heard each of them last knows it. */
  #peers(): Map<string, Peer> {
    const peers = new Map<string, Peer>();
    for (const server of this.#servers)
      for (const peer of server.peers) {
        const known = peers.get(peer.bootId);
        if (known === undefined || known.heardAt < peer.heardAt) peers.set(peer.bootId, peer);
      }
    return peers;
  }

  #peersChanged(newcomer: Pick<Peer, 'nodeId' | 'bootId'> | null): void {
    const { sender, metrics } = this.#options;
    metrics.clusterNodes.value = this.#peers().size + 1;
    if (newcomer?.nodeId !== sender.nodeId) return;
    // It comes once on each server.
    const knownBy = this.#servers.filter(({ peers }) =>
      [...peers].some(({ bootId }) => bootId === newcomer.bootId),
    );
    if (knownBy.length > 1) return;
    metrics.nodeIdConflicts.value += 1;
    this.#log.news('error', newcomer, 'another node has the same node id: give each its own (--node-id)');
  }

  #shardOf(channel: string): number {
    return shardOf(channel, this.#options.shards);
  }
}
