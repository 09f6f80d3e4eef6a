/**
 * The bridge over Redis pub/sub.
 *
 * Channels hash onto shards; a shard is one Redis channel, `<prefix>.v1.<shards>.{n}`. Publications are gathered per shard
 * into frames (`protocol/bridge-frame.ts`) by the batcher and published on one connection; a second one is subscribed to
 * the shards in which this node has subscribers (`interest.ts`), and to `<prefix>.v1.beat`.
 *
 *     publish ─ outgoing frames (writer of the shard, batcher) ─ publisher ─ Redis ─ subscriber ─ frame intake ─ receive
 *
 * **When it is connected.** Both connections are ready, lead to the same server (`run_id`), that server is a master, the
 * cluster's layout matches (`<prefix>.meta`), every shard with a subscriber is confirmed, and our own beat has come back.
 * Everything else is `away`; the way back is always the same: drop both connections, look again for the master, subscribe from our own registry.
 *
 * **Channels with history** do not go through frames of the bridge; what is appended to them is published by the script that
 * appends it (`history/redis-append-script.ts`). The bridge subscribes to where that comes, together with each shard, hands it
 * on, and says when some of it may not have arrived.
 *
 * **What is lost.** Redis pub/sub forgets. A frame that cannot be sent is dropped, counted, and consumes its sequence
 * number, so that every receiver notices. A time in which this node could not hear is counted as a possible gap when it
 * ends.
 */
import type { BatchLimits } from '../batching/batcher.ts';
import type { Publication } from '../channel/publication.ts';
import type { Clock, Timer } from '../clock.ts';
import type { Logger } from '../logger.ts';
import type { BridgeMetrics } from '../metrics/metrics.ts';
import { readBeat, writeBeat } from '../protocol/beat.ts';
import type { FrameSender } from '../protocol/bridge-frame.ts';
import { mayBeControl, type Question } from '../protocol/control.ts';
import { shardOf } from '../protocol/shard.ts';
import type { Bridge, BridgeState, OnGap, Outcome, Receive } from './bridge.ts';
import { type Broker, type BrokerConnection, isRefusal, type ServerIdentity } from './broker.ts';
import type { Answers, Cluster, ClusterNode, LocalNode } from './cluster.ts';
import { ControlChannel } from './control-channel.ts';
import { FrameIntake } from './frame-intake.ts';
import { Interest } from './interest.ts';
import { type OutgoingFrame, OutgoingFrames } from './outgoing-frames.ts';
import { Peers } from './peers.ts';
import { QuietLog } from './quiet-log.ts';

/** Changes whenever nodes could no longer understand each other's channels. */
const layoutVersion = 1;

const beatEveryMs = 1_000;
/** Two beats may be late before anybody is worried. */
const silenceMs = 2_500;
/** A peer without a beat for this long has gone. */
const forgetPeersAfterMs = 10_000;
/** How often sentinels are asked whether the master is still the same. */
const lookEveryMs = 5_000;
/** A shard stays subscribed after its last local subscriber has left. */
const interestLingerMs = 30_000;
/** How long an answer to a subscriber waits for Redis to confirm. */
const prepareTimeoutMs = 1_000;
/** How long `stop` waits for Redis to take the last frames. */
const stopTimeoutMs = 500;

/** The history over the same Redis, as far as the bridge serves it. */
export interface ServedHistory {
  /** The Redis channel on which its frames come. */
  pubsubChannel(shard: number): string;
  /** Takes such a frame; false if it could not be read. */
  frame(shard: number, bytes: Buffer): boolean;
  /** Frames may not have arrived that concern these channels. */
  doubt(concerns: (channel: string) => boolean): void;
  /** Its connection is dropped and dialled again. */
  reconnect(): void;
  /** The `run_id` of the server that its connection leads to; null while it has none. */
  serverId(): string | null;
}

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
  readonly #outgoing: OutgoingFrames;
  readonly #interest: Interest;
  readonly #intake: FrameIntake;
  readonly #peers: Peers;
  readonly #control: ControlChannel;
  /** Redis channel by shard, and back. */
  readonly #channels: string[];
  readonly #shardOfChannel: ReadonlyMap<string, number>;
  readonly #shardOfHistory: ReadonlyMap<string, number>;
  readonly #beatChannel: string;

  #receive: Receive = () => {};
  #local: LocalNode | null = null;
  #onGap: OnGap = () => {};
  #publisher: BrokerConnection | null = null;
  #subscriber: BrokerConnection | null = null;
  #publisherIdentity: ServerIdentity | null = null;
  #subscriberIdentity: ServerIdentity | null = null;
  #layoutMatches = false;
  #ownBeatHeard = false;
  /** Shards in which somebody was told that nothing of the others arrives, though it is connected: Redis is slow to confirm. */
  readonly #unheard = new Set<number>();
  #state: BridgeState = 'away';
  /** When the connection was lost; null before the first one. */
  #awaySince: number | null = null;
  #beatTimer: Timer | null = null;
  #lastTickAt = 0;
  #probing = false;
  #lookedAt = 0;

  constructor(options: RedisBridgeOptions) {
    const { prefix, shards, sender, clock, metrics, logger } = options;
    this.#options = options;
    this.#log = new QuietLog(logger, clock);
    this.#channels = Array.from({ length: shards }, (_, shard) => `${prefix}.v1.${shards}.{${shard}}`);
    this.#shardOfChannel = new Map(this.#channels.map((channel, shard) => [channel, shard]));
    const { history } = options;
    this.#shardOfHistory = new Map(
      history === null ? [] : this.#channels.map((_, shard) => [history.pubsubChannel(shard), shard]),
    );
    this.#beatChannel = `${prefix}.v1.beat`;
    this.#outgoing = new OutgoingFrames({
      shards,
      sender,
      batch: options.batch,
      clock,
      send: (frame) => this.#send(frame),
    });
    this.#intake = new FrameIntake({
      shards,
      bootId: sender.bootId,
      metrics,
      log: this.#log,
      onGap: (missing) => this.#onGap('bridge', this.#inShard(missing)),
    });
    this.#peers = new Peers(sender.bootId, silenceMs);
    this.#control = new ControlChannel({
      bootId: sender.bootId,
      clock,
      send: (bytes) => this.#sendControl(bytes, 'a message to the other nodes'),
    });
    this.#interest = new Interest({
      shards,
      clock,
      lingerMs: interestLingerMs,
      subscribe: (wanted) => this.#subscribe(this.#channelsOf(wanted)),
      unsubscribe: (unwanted) => this.#unsubscribe(this.#channelsOf(unwanted)),
      onChange: (shard, confirmed) => {
        this.#intake.listen(shard, confirmed);
        metrics.shardsSubscribed.value += confirmed ? 1 : -1;
        if (!confirmed) return;
        // Before, nothing of it was heard. After the way back that is told of all channels anyway.
        if (this.#state === 'connected') this.#heardAtLast(shard);
        // Not in this call, which may be one for many shards.
        else if (this.#interest.complete) clock.endOfTurn(() => this.#assess());
      },
    });
  }

  get state(): BridgeState {
    return this.#state;
  }

  start(receive: Receive, onGap: OnGap): void {
    this.#receive = receive;
    this.#onGap = onGap;
    const { broker, sender, clock } = this.#options;
    const onError = (message: string) =>
      this.#log.trouble('warn', { reason: message }, `${broker.name} cannot be reached`);
    this.#publisher = broker.dial(`outcry-pub:${sender.bootId}`, {
      onError,
      onReady: (identity) => {
        this.#publisherIdentity = identity;
        void this.#settleLayout();
      },
      onLost: () => this.#lost('the publishing connection ended'),
      onMessage() {},
    });
    this.#subscriber = broker.dial(`outcry-sub:${sender.bootId}`, {
      onError,
      onReady: (identity) => {
        this.#subscriberIdentity = identity;
        void this.#listen();
      },
      onLost: () => {
        this.#intake.interrupt();
        this.#interest.lost();
        this.#lost('the subscribing connection ended');
      },
      onMessage: (channel, bytes) => this.#message(channel, bytes),
    });
    this.#lastTickAt = clock.now();
    this.#beatTimer = clock.every(beatEveryMs, () => this.#tick());
  }

  publish(channel: string, publication: Publication): void {
    if (this.#publisher === null) return;
    this.#outgoing.add(shardOf(channel, this.#options.shards), channel, publication);
  }

  publishConfirmed(
    channel: string,
    publication: Publication,
    idempotencyKey: string | null = null,
  ): Outcome | Promise<Outcome> {
    if (this.#publisher === null) return 'failed';
    const shard = shardOf(channel, this.#options.shards);
    return this.#outgoing.addConfirmed(shard, channel, publication, idempotencyKey);
  }

  prepare(channel: string): boolean | Promise<boolean> {
    if (this.reaches(channel)) return true;
    const confirmed = this.#interest.whenConfirmed(
      shardOf(channel, this.#options.shards),
      // Known to be away: nobody is kept waiting.
      this.#subscriber?.ready === true ? prepareTimeoutMs : 0,
    );
    return confirmed.then(() => {
      // Confirmed is not enough: while away, nothing of the others arrives.
      if (this.reaches(channel)) return true;
      this.#options.metrics.subscribesDegraded.value += 1;
      this.#unheard.add(shardOf(channel, this.#options.shards));
      return false;
    });
  }

  reaches(channel: string): boolean {
    return this.#state === 'connected' && this.#interest.confirmed(shardOf(channel, this.#options.shards));
  }

  opened(channel: string): void {
    this.#interest.opened(shardOf(channel, this.#options.shards));
  }

  closed(channel: string): void {
    this.#interest.closed(shardOf(channel, this.#options.shards));
  }

  represent(local: LocalNode): void {
    this.#local = local;
    this.#control.represent(local);
  }

  nodes(): ClusterNode[] {
    const now = this.#options.clock.now();
    return Array.from(this.#peers, ({ nodeId, bootId, counts, heardAt }) => ({
      nodeId,
      bootId,
      counts,
      lastBeatAgeMs: Math.max(0, Math.round(now - heardAt)),
    }));
  }

  async ask(question: Question, to?: string): Promise<Answers> {
    // Nobody would hear it; who is there now is not known either.
    if (this.#state === 'away') return { answers: [], complete: false };
    return await this.#control.ask(
      question,
      to === undefined ? Array.from(this.#peers, ({ bootId }) => bootId) : [to],
    );
  }

  async stop(): Promise<void> {
    const publisher = this.#publisher;
    if (publisher === null) return;
    this.#outgoing.flush();
    this.#publisher = null;
    this.#beatTimer?.cancel();
    this.#interest.stop();
    const deadline = this.#options.clock.now() + stopTimeoutMs;
    while (publisher.bytesInFlight > 0 && this.#options.clock.now() < deadline)
      await new Promise<void>((resolve) => this.#options.clock.after(5, resolve));
    publisher.end();
    this.#subscriber?.end();
    this.#subscriber = null;
  }

  /** Publishes a frame, or drops it with its number. */
  #send({ shard, bytes, count, settle }: OutgoingFrame): void {
    const { metrics, maxBytesInFlight } = this.#options;
    const publisher = this.#publisher;
    if (publisher?.ready !== true) {
      metrics.publicationsDropped.values.away += count;
      settle('failed');
      return;
    }
    if (publisher.bytesInFlight + bytes.length > maxBytesInFlight) {
      metrics.publicationsDropped.values.in_flight_limit += count;
      settle('failed');
      this.#log.trouble(
        'warn',
        { bytes: publisher.bytesInFlight },
        'Redis does not keep up: the connection is dropped',
      );
      publisher.reconnect();
      return;
    }
    metrics.framesSent.value += 1;
    metrics.publicationsSent.value += count;
    metrics.bytesSent.value += bytes.length;
    publisher.publish(this.#channelOf(shard), bytes).then(
      () => settle('confirmed'),
      (error: Error) => {
        metrics.publicationsDropped.values.failed += count;
        settle(isRefusal(error) ? 'failed' : 'unknown');
        this.#log.trouble('warn', { reason: error.message }, 'Redis did not take a frame');
      },
    );
  }

  #message(channel: string, bytes: Buffer): void {
    try {
      const shard = this.#shardOfChannel.get(channel);
      if (shard !== undefined) this.#intake.frame(shard, bytes, this.#receive);
      else if (channel !== this.#beatChannel) this.#historyFrame(channel, bytes);
      else if (!mayBeControl(bytes)) this.#beat(bytes);
      else if (!this.#control.receive(bytes)) this.#intake.reject('malformed');
    } catch (error) {
      // What stands behind this is ours, not the sender's; nothing a frame holds may end the process.
      this.#log.trouble('error', { err: error }, 'a frame could not be handled; this is a bug');
    }
  }

  #historyFrame(channel: string, bytes: Buffer): void {
    const shard = this.#shardOfHistory.get(channel);
    if (shard === undefined || this.#options.history?.frame(shard, bytes) !== false) return;
    this.#log.trouble('warn', { shard }, 'a frame of channels with history was dropped');
    this.#doubtShard(shard);
  }

  /** Redis has confirmed a shard while everything else worked. */
  #heardAtLast(shard: number): void {
    this.#doubtShard(shard);
    if (this.#unheard.delete(shard)) this.#onGap('bridge_away', this.#inShard(shard));
  }

  #doubtShard(shard: number): void {
    this.#options.history?.doubt(this.#inShard(shard));
  }

  #inShard(shard: number): (channel: string) => boolean {
    return (channel) => shardOf(channel, this.#options.shards) === shard;
  }

  #beat(bytes: Buffer): void {
    const { sender, clock, metrics } = this.#options;
    const beat = readBeat(bytes);
    if (beat === null) {
      this.#intake.reject('malformed');
      return;
    }
    const first = this.#peers.heard(beat.bootId, beat.nodeId, clock.now(), beat.counts);
    metrics.clusterNodes.value = this.#peers.count + 1;
    if (beat.bootId === sender.bootId) {
      if (beat.runId === this.#subscriberIdentity?.runId) this.#ownBeatHeard = true;
      this.#assess();
      return;
    }
    if (first && beat.nodeId === sender.nodeId) {
      metrics.nodeIdConflicts.value += 1;
      this.#log.news(
        'error',
        { nodeId: beat.nodeId, bootId: beat.bootId },
        'another node has the same node id: give each its own (--node-id)',
      );
    }
    this.#intake.sequences(beat.bootId, beat.sequences);
  }

  /** Once a second: tells the others that this node is there, and looks whether everything still is as it should be. */
  #tick(): void {
    const { clock, metrics } = this.#options;
    const now = clock.now();
    // This process stood still: what came meanwhile waits in the sockets and has not been read yet.
    if (now - this.#lastTickAt > 2 * beatEveryMs) this.#peers.excuse(now);
    this.#lastTickAt = now;
    for (const { bootId } of this.#peers.forgetSilent(now, forgetPeersAfterMs))
      this.#intake.fellSilent(bootId);
    metrics.clusterNodes.value = this.#peers.count + 1;
    if (this.#publisher?.ready === true) {
      this.#sendBeat();
      void this.#checkServer();
    }
    if (this.#state === 'away') return;
    this.#lookAfterHistory();
    const verdict = this.#peers.verdict(now);
    if (verdict === 'deaf') this.#startOver('our own beats do not come back');
    else if (verdict === 'missing' || this.#mayBeMoved(now)) void this.#lookAround();
  }

  #sendBeat(): void {
    const { sender } = this.#options;
    const sequences = this.#outgoing.lastSequences();
    const runId = this.#publisherIdentity?.runId ?? '';
    const counts = this.#local?.counts() ?? null;
    this.#sendControl(writeBeat({ ...sender, runId, sentAt: Date.now(), sequences, counts }), 'a beat');
  }

  /** To all nodes, over the channel of the beats. */
  #sendControl(bytes: Buffer, what: string): void {
    this.#publisher
      ?.publish(this.#beatChannel, bytes)
      .catch((error: Error) =>
        this.#log.trouble('warn', { reason: error.message }, `Redis did not take ${what}`),
      );
  }

  /** A master that became a replica goes on taking publications, and nobody hears them. */
  async #checkServer(): Promise<void> {
    try {
      const identity = await this.#publisher?.identify();
      if (identity === undefined) return;
      this.#publisherIdentity = identity;
      if (identity.role !== 'master') this.#startOver(`this Redis is a ${identity.role} now`);
      else if (!this.#layoutMatches) await this.#settleLayout();
    } catch (error) {
      this.#log.trouble('warn', { reason: (error as Error).message }, 'Redis does not answer');
    }
  }

  /** Its connection must not lead to another server than those of the bridge. */
  #lookAfterHistory(): void {
    const { history } = this.#options;
    const serverId = history?.serverId() ?? null;
    if (serverId !== null && serverId !== this.#subscriberIdentity?.runId) history?.reconnect();
  }

  #mayBeMoved(now: number): boolean {
    return this.#options.broker.mayMove && now - this.#lookedAt >= lookEveryMs;
  }

  /** If the address still leads to the same master, a peer that fell silent is gone; else we are astray. */
  async #lookAround(): Promise<void> {
    if (this.#probing) return;
    this.#probing = true;
    this.#lookedAt = this.#options.clock.now();
    const { broker, sender, clock } = this.#options;
    try {
      const found = await broker.look(`outcry-probe:${sender.bootId}`);
      if (found.role === 'master' && found.runId === this.#subscriberIdentity?.runId)
        this.#peers.looked(clock.now());
      else if (this.#state === 'connected') this.#startOver('Redis is elsewhere now');
    } catch (error) {
      this.#log.trouble(
        'warn',
        { reason: (error as Error).message },
        'it cannot be seen whether this Redis is still the right one',
      );
    } finally {
      this.#probing = false;
    }
  }

  /** Agrees with the cluster on how channels are laid out, or says that it does not. */
  async #settleLayout(): Promise<void> {
    const { prefix, shards } = this.#options;
    const ours = `layout=${layoutVersion} shards=${shards}`;
    const key = `${prefix}.meta`;
    try {
      const theirs = await this.#publisher?.settle(key, ours);
      this.#layoutMatches = theirs === ours;
      if (!this.#layoutMatches)
        this.#log.news(
          'error',
          { ours, theirs, key },
          'the cluster under this prefix is laid out differently: use its redisShards, or another redisPrefix',
        );
      this.#sendBeat();
    } catch (error) {
      this.#log.trouble(
        'warn',
        { reason: (error as Error).message },
        'Redis did not tell the layout of the cluster',
      );
    }
    this.#assess();
  }

  async #listen(): Promise<void> {
    try {
      await this.#subscriber?.subscribe([this.#beatChannel]);
      this.#interest.connected();
      this.#peers.excuse(this.#options.clock.now());
      if (this.#publisher?.ready === true) this.#sendBeat();
    } catch (error) {
      this.#log.trouble('warn', { reason: (error as Error).message }, 'Redis did not confirm a subscription');
      this.#subscriber?.reconnect();
    }
  }

  async #subscribe(channels: readonly string[]): Promise<void> {
    try {
      await this.#subscriber?.subscribe(channels);
    } catch (error) {
      // Half a subscription is worse than none: what was confirmed is not known any more.
      this.#subscriber?.reconnect();
      throw error;
    }
  }

  async #unsubscribe(channels: readonly string[]): Promise<void> {
    await this.#subscriber?.unsubscribe(channels);
  }

  /** Finds out whether it is connected now. */
  #assess(): void {
    const connected =
      this.#publisher?.ready === true &&
      this.#subscriber?.ready === true &&
      this.#layoutMatches &&
      this.#interest.complete &&
      this.#ownBeatHeard;
    if (!connected || this.#state === 'connected') return;
    const { clock, metrics } = this.#options;
    if (this.#publisherIdentity?.runId !== this.#subscriberIdentity?.runId) {
      this.#startOver('the two connections lead to different servers');
      return;
    }
    this.#peers.excuse(clock.now());
    this.#state = 'connected';
    metrics.connected.value = 1;
    this.#unheard.clear();
    this.#options.history?.doubt(() => true);
    // Also the first time: who came before then was told that nothing of the others arrives.
    this.#onGap('bridge_away', () => true);
    if (this.#awaySince === null) this.#log.news('info', {}, 'joined the cluster through Redis');
    else {
      const seconds = ((clock.now() - this.#awaySince) / 1_000).toFixed(1);
      metrics.possibleGaps.value += 1;
      this.#log.news(
        'info',
        {},
        `Redis is back after ${seconds} s: publications of other nodes may have been missed`,
      );
    }
    this.#options.onState('connected');
  }

  #lost(reason: string): void {
    this.#ownBeatHeard = false;
    if (this.#publisher?.ready !== true) this.#layoutMatches = false;
    if (this.#state === 'away') return;
    this.#state = 'away';
    this.#awaySince = this.#options.clock.now();
    this.#options.metrics.connected.value = 0;
    this.#log.news('warn', { reason }, 'Redis is away: publications reach the clients of this node only');
    this.#options.onState('away');
  }

  #startOver(reason: string): void {
    this.#lost(reason);
    this.#publisher?.reconnect();
    this.#subscriber?.reconnect();
    this.#options.history?.reconnect();
  }

  /** On which everything of some shards comes. */
  #channelsOf(shards: readonly number[]): string[] {
    const { history } = this.#options;
    return shards.flatMap((shard) =>
      history === null ? this.#channelOf(shard) : [this.#channelOf(shard), history.pubsubChannel(shard)],
    );
  }

  #channelOf(shard: number): string {
    return this.#channels[shard] as string;
  }
}
