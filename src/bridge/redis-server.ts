/**
 * One Redis and what this node has there: connected or away, and the one way back.
 *
 * **When it is connected.** Both connections are ready and lead to the same server (`run_id`), that server is a master, the
 * cluster's layout matches, every shard with a subscriber is confirmed, and our own beat has come back. Everything else is
 * `away`; the way back is always the same: drop all connections, look again for the master, subscribe from our own registry.
 *
 * Once a second it looks whether everything still is as it should be: a server that freezes, is demoted, or is left behind
 * by the others says nothing of it. Where masters are replaced, and somebody falls silent, and nobody can be asked who the
 * master is now, we may be the ones who were left behind: then it counts as away until somebody answers.
 *
 * A time in which this node could not hear is counted as a possible gap when it ends.
 */
import type { Clock, Timer } from '../clock.ts';
import type { BridgeMetrics } from '../metrics/bridge-metrics.ts';
import type { FrameSender } from '../protocol/bridge-frame.ts';
import { mayBeControl, type Question } from '../protocol/control.ts';
import { shardOf } from '../protocol/shard.ts';
import { Beats, beatEveryMs } from './beats.ts';
import type { BridgeState, OnGap, Receive } from './bridge.ts';
import type { Answers, LocalNode } from './cluster.ts';
import { ControlChannel } from './control-channel.ts';
import type { FrameIntake } from './frame-intake.ts';
import { LayoutAgreement } from './layout-agreement.ts';
import type { OutgoingFrame } from './outgoing-frames.ts';
import type { Peer } from './peers.ts';
import type { QuietLog } from './quiet-log.ts';
import type { RedisPlace } from './redis-place.ts';
import { RedisPublisher } from './redis-publisher.ts';
import { RedisSubscriber } from './redis-subscriber.ts';
import type { HistoryLink, ServedHistory } from './served-history.ts';
import type { ShardChannels } from './shard-channels.ts';
import { Whereabouts } from './whereabouts.ts';

/** How long an answer to a subscriber waits for Redis to confirm. */
const prepareTimeoutMs = 1_000;

export interface RedisServerOptions {
  place: RedisPlace;
  /** Of the whole cluster. */
  shards: number;
  channels: ShardChannels;
  sender: FrameSender;
  maxBytesInFlight: number;
  /** Null if this node has no channels with history. */
  history: ServedHistory | null;
  intake: FrameIntake;
  receive: Receive;
  onGap: OnGap;
  /** It was connected and is away: told once each time, behind `onState`. */
  onLost(concerns: (channel: string) => boolean): void;
  /** The last number of each of these shards that have one. */
  sequences(shards: readonly number[]): ReadonlyMap<number, number>;
  clock: Clock;
  log: QuietLog;
  metrics: BridgeMetrics;
  /** Since when its shards are away, if they were elsewhere before; null if they were not. */
  awaySince: number | null;
  onState(): void;
  /** The shards may not be where they were. */
  onSuspicion(): void;
  /** Another node was heard for the first time, or has gone. */
  onPeers(newcomer: Pick<Peer, 'nodeId' | 'bootId'> | null): void;
}

export class RedisServer {
  readonly #options: RedisServerOptions;
  readonly #shards: ReadonlySet<number>;
  readonly #publisher: RedisPublisher;
  readonly #subscriber: RedisSubscriber;
  readonly #layout: LayoutAgreement;
  readonly #beats: Beats;
  readonly #control: ControlChannel;
  readonly #whereabouts: Whereabouts;
  readonly #history: HistoryLink | null;
  readonly #timer: Timer;
  #local: LocalNode | null = null;
  #ownBeatHeard = false;
  /** Shards in which somebody was told that nothing of the others arrives, though it is connected: Redis is slow to confirm. */
  readonly #unheard = new Set<number>();
  #state: BridgeState = 'away';
  /** When the connection was lost; null before the first one. */
  #awaySince: number | null;
  /** Somebody fell silent, and nobody can say whether it is us. */
  #astray = false;
  #stopped = false;

  constructor(options: RedisServerOptions) {
    const { place, shards, channels, sender, maxBytesInFlight, intake, clock, log, metrics, onPeers } =
      options;
    const { broker } = place;
    this.#options = options;
    this.#shards = new Set(place.shards);
    this.#awaySince = options.awaySince;
    this.#beats = new Beats({
      sender,
      clock,
      sequences: () => options.sequences(place.shards),
      counts: () => this.#local?.counts() ?? null,
      onNewcomer: onPeers,
      onSequences: (bootId, sequences) => intake.sequences(bootId, sequences),
      onGone: (bootId) => {
        intake.fellSilent(bootId);
        onPeers(null);
      },
    });
    this.#control = new ControlChannel({
      bootId: sender.bootId,
      clock,
      send: (bytes) => this.#publisher.say(place.controlChannel, bytes, 'a message to the other nodes'),
    });
    this.#layout = new LayoutAgreement({
      layout: place.layout,
      key: place.layoutKey,
      settle: (key, value) => this.#publisher.settle(key, value),
      log,
    });
    this.#whereabouts = new Whereabouts({
      ...{ place, name: `outcry-probe:${sender.bootId}`, clock, log },
      onDoubt: () => void this.#lookAround(),
    });
    this.#publisher = new RedisPublisher({
      ...{ broker, maxBytesInFlight, clock, metrics, log, name: `outcry-pub:${sender.bootId}` },
      onReady: () => void this.#settleLayout(),
      onLost: () => this.#lost('the publishing connection ended'),
    });
    this.#subscriber = new RedisSubscriber({
      ...{ broker, shards, channels, clock, log, name: `outcry-sub:${sender.bootId}` },
      controlChannel: place.controlChannel,
      onListening: () => {
        this.#beats.excuse();
        this.#sendBeat();
      },
      onLost: () => {
        // Who comes after it may be listening by now.
        if (this.#stopped) return;
        intake.interrupt(place.shards);
        this.#lost('the subscribing connection ended');
      },
      onShard: (shard, heard) => this.#shardChanged(shard, heard),
      onMessage: (channel, bytes) => this.#message(channel, bytes),
    });
    this.#history = options.history?.open(place, options.onSuspicion) ?? null;
    this.#timer = clock.every(beatEveryMs, () => this.#tick());
  }

  get place(): RedisPlace {
    return this.#options.place;
  }

  get state(): BridgeState {
    return this.#state;
  }

  /** When it was last seen to be connected, if it is away; null if it never was. */
  get awaySince(): number | null {
    return this.#state === 'away' ? this.#awaySince : this.#options.clock.now();
  }

  get peers(): Beats['peers'] {
    return this.#beats.peers;
  }

  /** Publishes a frame of one of its shards, or drops it with its number. */
  send(frame: OutgoingFrame): void {
    this.#publisher.send(frame, this.#options.channels.of(frame.shard));
  }

  /** As in the bridge, for a shard of this Redis. */
  reaches(shard: number): boolean {
    return this.#state === 'connected' && this.#subscriber.interest.confirmed(shard);
  }

  async prepare(shard: number): Promise<boolean> {
    // Known to be away: nobody is kept waiting.
    const timeoutMs = this.#subscriber.ready ? prepareTimeoutMs : 0;
    await this.#subscriber.interest.whenConfirmed(shard, timeoutMs);
    // Confirmed is not enough: while away, nothing of the others arrives.
    if (this.reaches(shard)) return true;
    this.#options.metrics.subscribesDegraded.value += 1;
    this.#unheard.add(shard);
    return false;
  }

  /** A channel of a shard has its first local subscriber. */
  opened(shard: number): void {
    this.#subscriber.interest.opened(shard);
  }

  /** A channel of a shard has lost its last local subscriber. */
  closed(shard: number): void {
    this.#subscriber.interest.closed(shard);
  }

  represent(local: LocalNode): void {
    this.#local = local;
    this.#control.represent(local);
  }

  /** Asks nodes that are known here, by their boot ids. Never rejects. */
  async ask(question: Question, nodes: readonly string[]): Promise<Answers> {
    return await this.#control.ask(question, nodes);
  }

  /** Hears nothing any more, lets Redis take what is under way, and ends all connections. */
  async stop(): Promise<void> {
    const { intake, place } = this.#options;
    this.#stopped = true;
    this.#timer.cancel();
    this.#whereabouts.stop();
    // Who comes after it finds the numbers as they are.
    intake.interrupt(place.shards);
    this.#subscriber.stop();
    this.#history?.end();
    await this.#publisher.stop();
  }

  #message(channel: string, bytes: Buffer): void {
    const { channels, place, intake, receive, log } = this.#options;
    if (this.#stopped) return;
    try {
      const arrival = channels.arrivalOn(channel);
      if (arrival?.of === 'bridge') intake.frame(arrival.shard, bytes, receive);
      else if (arrival?.of === 'history') this.#historyFrame(arrival.shard, bytes);
      else if (channel !== place.controlChannel) return;
      else if (!mayBeControl(bytes)) this.#beat(bytes);
      else if (!this.#control.receive(bytes)) intake.reject('malformed');
    } catch (error) {
      // What stands behind this is ours, not the sender's; nothing a frame holds may end the process.
      log.trouble('error', { err: error }, 'a frame could not be handled; this is a bug');
    }
  }

  #historyFrame(shard: number, bytes: Buffer): void {
    const { history, log } = this.#options;
    if (history?.frame(shard, bytes) !== false) return;
    log.trouble('warn', { shard }, 'a frame of channels with history was dropped');
    this.#doubt(shard);
  }

  #beat(bytes: Buffer): void {
    const heard = this.#beats.receive(bytes);
    if (heard === 'malformed') this.#options.intake.reject('malformed');
    if (typeof heard === 'string') return;
    if (heard.own === this.#subscriber.server?.runId) this.#ownBeatHeard = true;
    this.#assess();
  }

  #shardChanged(shard: number, heard: boolean): void {
    const { intake, metrics, clock } = this.#options;
    intake.listen(shard, heard);
    metrics.shardsSubscribed.value += heard ? 1 : -1;
    if (!heard) return;
    // Before, nothing of it was heard. After the way back that is told of all channels anyway.
    if (this.#state === 'connected') this.#heardAtLast(shard);
    // Not in this call, which may be one for many shards.
    else if (this.#subscriber.interest.complete) clock.endOfTurn(() => this.#assess());
  }

  /** Redis has confirmed a shard while everything else worked. */
  #heardAtLast(shard: number): void {
    this.#doubt(shard);
    if (this.#unheard.delete(shard)) this.#options.onGap('bridge_away', this.#isIn(shard));
  }

  #doubt(shard: number): void {
    this.#options.history?.doubt(this.#isIn(shard));
  }

  #isIn(shard: number): (channel: string) => boolean {
    return (channel) => shardOf(channel, this.#options.shards) === shard;
  }

  /** Whether a channel is on this Redis. */
  #isHere(channel: string): boolean {
    const { shards } = this.#options;
    return this.#shards.size === shards || this.#shards.has(shardOf(channel, shards));
  }

  /** Once a second: tells the others that this node is there, and looks whether everything still is as it should be. */
  #tick(): void {
    this.#beats.round();
    if (this.#publisher.ready) {
      this.#sendBeat();
      void this.#checkServer();
    }
    if (this.#state === 'away') this.#options.onSuspicion();
    if (this.#astray) void this.#lookAround();
    if (this.#state === 'away') return;
    this.#lookAfterHistory();
    const verdict = this.#beats.verdict();
    if (verdict === 'deaf') this.#startOver('our own beats do not come back');
    else if (verdict === 'missing' || this.#whereabouts.isDue) void this.#lookAround();
  }

  #sendBeat(): void {
    const beat = this.#beats.write(this.#publisher.server?.runId ?? '');
    this.#publisher.say(this.#options.place.controlChannel, beat, 'a beat');
  }

  /** Agrees on the layout, and tells the others that this node is there. */
  async #settleLayout(): Promise<void> {
    await this.#layout.settle();
    this.#sendBeat();
    this.#assess();
  }

  /** A master that became a replica goes on taking publications, and nobody hears them. */
  async #checkServer(): Promise<void> {
    try {
      const { role } = await this.#publisher.identify();
      if (role !== 'master') this.#startOver(`this Redis is a ${role} now`);
      else if (!this.#layout.holds) await this.#settleLayout();
    } catch (error) {
      this.#options.log.trouble('warn', { reason: (error as Error).message }, 'Redis does not answer');
    }
  }

  /** Its connection must not lead to another server than those of the bridge. */
  #lookAfterHistory(): void {
    const serverId = this.#history?.serverId() ?? null;
    if (serverId !== null && serverId !== this.#subscriber.server?.runId) this.#history?.reconnect();
  }

  /** If this still is the right master, a peer that fell silent is gone; else we are astray. */
  async #lookAround(): Promise<void> {
    const found = await this.#whereabouts.look(this.#subscriber.server?.runId);
    if (found === null || this.#stopped) return;
    if (found === 'here') {
      this.#beats.looked();
      this.#astray = false;
      this.#assess();
    } else if (found === 'elsewhere') {
      if (this.#state === 'connected' || this.#astray) this.#startOver('Redis is elsewhere now');
    } else if (this.#options.place.broker.mayMove && this.#beats.anySilence()) {
      this.#astray = true;
      this.#lost('others fell silent, and nobody says whether this Redis is still the right one');
    }
  }

  /** Finds out whether it is connected now. */
  #assess(): void {
    const connected =
      this.#publisher.ready &&
      this.#subscriber.ready &&
      this.#layout.holds &&
      this.#subscriber.interest.complete &&
      this.#ownBeatHeard &&
      !this.#astray;
    if (!connected || this.#stopped || this.#state === 'connected') return;
    if (this.#publisher.server?.runId !== this.#subscriber.server?.runId) {
      this.#startOver('the two connections lead to different servers');
      return;
    }
    this.#connected();
  }

  #connected(): void {
    const { place, clock, log, metrics, history, onGap, onState } = this.#options;
    this.#beats.excuse();
    this.#state = 'connected';
    this.#unheard.clear();
    const isHere = (channel: string) => this.#isHere(channel);
    history?.doubt(isHere);
    // Also the first time: who came before then was told that nothing of the others arrives.
    onGap('bridge_away', isHere);
    if (this.#awaySince === null) log.news('info', {}, `joined the cluster through ${place.broker.name}`);
    else {
      const seconds = ((clock.now() - this.#awaySince) / 1_000).toFixed(1);
      metrics.possibleGaps.value += 1;
      log.news(
        'info',
        {},
        `${place.broker.name} is back after ${seconds} s: publications of other nodes may have been missed`,
      );
    }
    onState();
  }

  #lost(reason: string): void {
    const { place, clock, log, onState, onLost, onSuspicion } = this.#options;
    if (this.#stopped) return;
    this.#ownBeatHeard = false;
    if (!this.#publisher.ready) this.#layout.forget();
    if (this.#state === 'away') return;
    this.#state = 'away';
    this.#awaySince = clock.now();
    log.news(
      'warn',
      { reason },
      `${place.broker.name} is away: publications reach the clients of this node only`,
    );
    onState();
    onLost((channel) => this.#isHere(channel));
    onSuspicion();
  }

  #startOver(reason: string): void {
    if (this.#stopped) return;
    this.#astray = false;
    this.#lost(reason);
    this.#publisher.reconnect();
    this.#subscriber.reconnect();
    this.#history?.reconnect();
  }
}
