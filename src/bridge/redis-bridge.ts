/**
 * The bridge over Redis pub/sub.
 *
 * Channels hash onto shards; a shard is one Redis channel. Publications are gathered per shard into frames
 * (`protocol/bridge-frame.ts`) by the batcher and published on one connection; a second one is subscribed to the shards in
 * which this node has subscribers, and to the control channel, on which beats and questions go.
 *
 *     publish ─ outgoing frames (writer of the shard, batcher) ─ publisher ─ Redis ─ subscriber ─ frame intake ─ receive
 *
 * What goes out and what comes in is counted here, over all connections that there ever are; whether there is one is the
 * matter of `redis-server.ts`.
 *
 * **What is lost.** Redis pub/sub forgets. A frame that cannot be sent is dropped, counted, and consumes its sequence
 * number, so that every receiver notices.
 */
import type { BatchLimits } from '../batching/batcher.ts';
import type { Publication } from '../channel/publication.ts';
import type { Clock } from '../clock.ts';
import type { Logger } from '../logger.ts';
import type { BridgeMetrics } from '../metrics/metrics.ts';
import type { FrameSender } from '../protocol/bridge-frame.ts';
import type { Question } from '../protocol/control.ts';
import { shardOf } from '../protocol/shard.ts';
import type { Bridge, BridgeState, OnAway, OnGap, Outcome, Receive } from './bridge.ts';
import type { Broker } from './broker.ts';
import type { Answers, Cluster, ClusterNode, LocalNode } from './cluster.ts';
import { FrameIntake } from './frame-intake.ts';
import { type OutgoingFrame, OutgoingFrames } from './outgoing-frames.ts';
import type { Peer } from './peers.ts';
import { QuietLog } from './quiet-log.ts';
import { onlyPlace } from './redis-place.ts';
import { RedisServer } from './redis-server.ts';
import type { ServedHistory } from './served-history.ts';
import { ShardChannels } from './shard-channels.ts';

export interface RedisBridgeOptions {
  broker: Broker;
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
}

export class RedisBridge implements Bridge, Cluster {
  readonly #options: RedisBridgeOptions;
  readonly #log: QuietLog;
  readonly #channels: ShardChannels;
  readonly #outgoing: OutgoingFrames;
  readonly #intake: FrameIntake;
  #onGap: OnGap = () => {};
  #local: LocalNode | null = null;
  /** Null before the start, and after the end. */
  #server: RedisServer | null = null;

  constructor(options: RedisBridgeOptions) {
    const { prefix, shards, sender, batch, history, clock, metrics, logger } = options;
    this.#options = options;
    this.#log = new QuietLog(logger, clock);
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
    return this.#server?.state ?? 'away';
  }

  start(receive: Receive, onGap: OnGap, onAway: OnAway = () => {}): void {
    const { broker, prefix, shards, metrics, onState } = this.#options;
    this.#onGap = onGap;
    this.#server = new RedisServer({
      ...this.#options,
      place: onlyPlace(broker, prefix, shards),
      channels: this.#channels,
      intake: this.#intake,
      log: this.#log,
      receive,
      onGap,
      sequences: (shards) => this.#outgoing.lastSequences(shards),
      onState: () => {
        metrics.connected.value = this.state === 'connected' ? 1 : 0;
        onState(this.state);
        if (this.state === 'away') onAway();
      },
      onPeers: (newcomer) => this.#peersChanged(newcomer),
    });
    if (this.#local !== null) this.#server.represent(this.#local);
    metrics.clusterNodes.value = 1;
  }

  publish(channel: string, publication: Publication): void {
    if (this.#server === null) return;
    this.#outgoing.add(this.#shardOf(channel), channel, publication);
  }

  publishConfirmed(
    channel: string,
    publication: Publication,
    idempotencyKey: string | null = null,
  ): Outcome | Promise<Outcome> {
    if (this.#server === null) return 'failed';
    return this.#outgoing.addConfirmed(this.#shardOf(channel), channel, publication, idempotencyKey);
  }

  prepare(channel: string): boolean | Promise<boolean> {
    const shard = this.#shardOf(channel);
    if (this.#server === null) return false;
    return this.#server.reaches(shard) ? true : this.#server.prepare(shard);
  }

  reaches(channel: string): boolean {
    return this.#server?.reaches(this.#shardOf(channel)) === true;
  }

  opened(channel: string): void {
    this.#server?.opened(this.#shardOf(channel));
  }

  closed(channel: string): void {
    this.#server?.closed(this.#shardOf(channel));
  }

  represent(local: LocalNode): void {
    this.#local = local;
    this.#server?.represent(local);
  }

  nodes(): ClusterNode[] {
    const now = this.#options.clock.now();
    return Array.from(this.#server?.peers ?? [], ({ nodeId, bootId, counts, heardAt }) => ({
      nodeId,
      bootId,
      counts,
      lastBeatAgeMs: Math.max(0, Math.round(now - heardAt)),
    }));
  }

  async ask(question: Question, to?: string): Promise<Answers> {
    const server = this.#server;
    // Nobody would hear it; who is there now is not known either.
    if (server?.state !== 'connected') return { answers: [], complete: false };
    const nodes = to === undefined ? Array.from(server.peers, ({ bootId }) => bootId) : [to];
    return await server.ask(question, nodes);
  }

  async stop(): Promise<void> {
    const server = this.#server;
    if (server === null) return;
    this.#outgoing.flush();
    this.#server = null;
    await server.stop();
  }

  #send(frame: OutgoingFrame): void {
    this.#server?.send(frame);
  }

  #peersChanged(newcomer: Pick<Peer, 'nodeId' | 'bootId'> | null): void {
    const { sender, metrics } = this.#options;
    metrics.clusterNodes.value = (this.#server?.peers.count ?? 0) + 1;
    if (newcomer?.nodeId !== sender.nodeId) return;
    metrics.nodeIdConflicts.value += 1;
    this.#log.news('error', newcomer, 'another node has the same node id: give each its own (--node-id)');
  }

  #shardOf(channel: string): number {
    return shardOf(channel, this.#options.shards);
  }
}
