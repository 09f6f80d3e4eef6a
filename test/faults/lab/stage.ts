/**
 * What most faults happen on: Redis, nodes with a proxy each between them and Redis, listeners on all of them, a speaker on
 * each, and somebody who watches their health.
 */
import { freePorts } from '../../../scripts/cluster/ports.ts';
import { api } from '../../support/api.ts';
import { startNode, type TestNode } from '../../support/node.ts';
import { TestRedis } from '../../support/redis.ts';
import { until } from '../../support/until.ts';
import { type ChannelKind, channelKinds, channelsOf, flagsFor, kindOf } from './channel-kind.ts';
import { HealthWatch } from './health-watch.ts';
import { Ledger } from './ledger.ts';
import { exactly, type Line } from './line.ts';
import { Listener } from './listener.ts';
import type { KindResult, Result, Surroundings } from './scenario.ts';
import { Speaker } from './speaker.ts';
import { type Strain, StrainWatch } from './strain-watch.ts';
import { TcpProxy } from './tcp-proxy.ts';

export interface StageOptions {
  nodes?: number;
  /** Spread evenly over nodes, or all at `front`. */
  listeners: number;
  /** Of each kind. A listener joins one of each kind. */
  channels: number;
  /** Of each speaker, over all its channels. */
  messagesPerSecond: number;
  fillerLength?: number;
  /** Lines of redis.conf, as arguments. */
  redisFlags?: readonly string[];
  /** The address of Redis that the nodes are given, where it is not their proxy to the stage's own. */
  redisUrl?: string;
  /** Redis is not started, and nobody waits for it: no listeners, no speakers. */
  withoutRedis?: boolean;
  nodeFlags?: readonly string[];
  /** Of the node with that index, beside that of the lab. */
  nodeEnv?: (index: number) => NodeJS.ProcessEnv;
  /** The words of a program that starts the nodes, as `prlimit`. */
  within?: readonly string[];
  /** Where clients connect, given the ports of the nodes; by default each at its own node. */
  front?: (ports: number[]) => Promise<string>;
}

/** A stage on which one message has not arrived after that is broken before the fault. */
const quietMs = 5_000;
/** A mark repeats the number of a quiet channel after one second and after five. */
const lastSignMs = 7_000;

export class Stage {
  readonly ledger = new Ledger();
  readonly nodes: TestNode[] = [];
  /** Their boot ids. */
  readonly boots: string[] = [];
  /** Between each node and Redis. */
  readonly links: TcpProxy[] = [];
  readonly health: HealthWatch[] = [];
  readonly listeners: Listener[] = [];
  readonly speakers: Speaker[] = [];
  readonly redis: TestRedis;
  readonly channels: readonly string[];
  readonly #around: Surroundings;
  readonly #options: StageOptions;
  readonly #strain = new StrainWatch();
  /** The slowest way back of all faults so far. */
  readonly #caughtUpMs = new Map<ChannelKind, number | null>();
  /** When the fault began and ended; set by the scenario. */
  faultAt = performance.now();
  healedAt = performance.now();

  private constructor(redis: TestRedis, around: Surroundings, options: StageOptions) {
    this.redis = redis;
    this.#around = around;
    this.#options = options;
    this.channels = around.kinds.flatMap((kind) => channelsOf(kind, options.channels));
  }

  /** Resolves when everybody has joined and messages flow. */
  static async open(around: Surroundings, options: StageOptions): Promise<Stage> {
    const redis =
      options.withoutRedis || options.redisUrl !== undefined
        ? await TestRedis.planned()
        : await TestRedis.start({ flags: options.redisFlags ?? [] });
    around.cleanUp(() => redis.kill());
    const stage = new Stage(redis, around, options);
    await Promise.all(Array.from({ length: options.nodes ?? 3 }, (_, index) => stage.startNode(index)));
    stage.#strain.start();
    if (options.withoutRedis) return stage;
    await stage.untilReady();
    await stage.fill();
    return stage;
  }

  /** Starts a node (again), on the port that it had before. */
  async startNode(index: number, ...flags: string[]): Promise<TestNode> {
    const { redisUrl, nodeFlags = [], nodeEnv = () => ({}), within = [] } = this.#options;
    let link = this.links[index];
    if (link === undefined) {
      link = await TcpProxy.start(this.redis.port);
      this.links[index] = link;
      this.#around.cleanUp(() => (link as TcpProxy).stop());
    }
    // Not one of those that the kernel gives to outgoing connections: it may be taken when the node comes back.
    const port = this.nodes[index]?.port ?? (await freePorts(1))[0];
    const node = await startNode(
      [
        ...['--port', String(port)],
        ...['--runtime', this.#around.runtime, '--node-id', `node-${index + 1}`],
        ...['--redis', redisUrl ?? `redis://127.0.0.1:${link.port}`],
        ...flagsFor(this.#around.kinds),
        ...nodeFlags,
        ...flags,
      ],
      nodeEnv(index),
      within,
    );
    this.nodes[index] = node;
    this.boots[index] = await bootOf(node, `node-${index + 1}`);
    this.#around.cleanUp(() => node.kill());
    await this.health[index]?.stop();
    const watch = new HealthWatch(node.port);
    this.health[index] = watch;
    this.#around.cleanUp(() => watch.stop());
    return node;
  }

  /** Resolves when the nodes are ready, all unless named. */
  async untilReady(indexes = [...this.nodes.keys()], withinMs = 15_000): Promise<void> {
    await until(
      () => indexes.map((index) => this.health[index]?.light),
      (lights) => lights.every((light) => light === 'green'),
      { what: 'all nodes ready', withinMs },
    );
  }

  /** Brings the listeners and the speakers. Resolves when all have joined. */
  async fill(): Promise<void> {
    const { listeners, messagesPerSecond, fillerLength = 0, front } = this.#options;
    const url = front === undefined ? null : await front(this.nodes.map(({ port }) => port));
    const urlOf = (index: number) => url ?? (this.nodes[index % this.nodes.length] as TestNode).url;
    for (const index of this.nodes.keys())
      this.speakers.push(
        new Speaker({
          name: `speaker-${index + 1}`,
          url: urlOf(index),
          channels: this.channels,
          ledger: this.ledger,
          messagesPerSecond,
          fillerLength,
        }),
      );
    for (let index = 0; index < listeners; index += 1)
      this.listeners.push(
        new Listener({
          url: urlOf(index),
          channels: this.#around.kinds.map((kind) => channelOf(kind, index, this.#options)),
          ledger: this.ledger,
          codec: index % 2 === 0 ? 'json' : 'msgpack',
        }),
      );
    this.#around.cleanUp(() =>
      Promise.all([...this.listeners, ...this.speakers].map((client) => client.close())),
    );
    await Promise.all(this.listeners.map((listener) => listener.ready()));
    await Promise.all(this.speakers.map(({ client }) => client.ready()));
  }

  /** Begins to publish, and waits until every channel has been heard. */
  async speak(): Promise<void> {
    for (const speaker of this.speakers) speaker.start();
    await until(
      () => this.ledger.report(performance.now()),
      ({ heard, pages }) => heard >= pages,
      { what: 'messages flowing', withinMs: quietMs },
    );
    this.#strain.start();
  }

  /** So long nothing special happens. */
  async pass(ms: number): Promise<void> {
    await new Promise((resolve) => setTimeout(resolve, ms));
  }

  /** The fault begins now. */
  fault(sentence: string): number {
    this.#around.say(sentence);
    for (const kind of this.#around.kinds) this.#caughtUpMs.set(kind, this.#caughtUpMsOf(kind));
    this.faultAt = performance.now();
    return this.faultAt;
  }

  healed(sentence: string): number {
    this.#around.say(sentence);
    this.healedAt = performance.now();
    return this.healedAt;
  }

  /** Ends the publishing, and gives all that is under way its time: messages, and signs of what is missing. */
  async finish(): Promise<void> {
    await Promise.all(this.speakers.map((speaker) => speaker.stop()));
    let before = -1;
    const giveUpAt = performance.now() + lastSignMs;
    while (before !== 0 && performance.now() < giveUpAt) {
      await this.pass(500);
      const { lost, silent } = this.ledger.report(performance.now());
      // Nothing more has come, and whoever misses something knows.
      if (lost === before && silent === 0) break;
      before = lost;
    }
    this.#strain.stop();
  }

  /** What the machine did to the lab itself while messages flowed: figures are no better than that. */
  get strain(): Strain {
    return this.#strain.strain;
  }

  /** From when a first missing message was sent until its receiver had a sign, the slowest; null if nothing is missing. */
  get signMs(): number | null {
    return this.ledger.report(performance.now()).signMs;
  }

  /** From the heal until the last who missed something knew; 0 if all knew before. */
  get toldAfterHealMs(): number {
    return Math.max(0, (this.ledger.report(performance.now()).toldAt ?? 0) - this.healedAt);
  }

  /** From the heal until the last message that was late, or stood behind a hole. */
  get caughtUpAfterHealMs(): number {
    return Math.max(0, (this.ledger.report(performance.now()).caughtUpAt ?? 0) - this.healedAt);
  }

  /**
   * From the heal until everything arrives again: when the last message was sent that was not acknowledged, or that anybody misses. 0 if
   * that was before.
   */
  get deliveringAfterHealMs(): number {
    const { lostUntil, refusedUntil } = this.ledger.report(performance.now());
    return Math.max(0, Math.max(lostUntil ?? 0, refusedUntil ?? 0) - this.healedAt);
  }

  /** How often anybody came back to a channel with a history, and was told that he has not got everything. */
  get notRecovered(): number {
    return this.listeners.reduce((total, { recoveries }) => total + recoveries.not, 0);
  }

  get recovered(): number {
    return this.listeners.reduce((total, { recoveries }) => total + recoveries.whole, 0);
  }

  /** Resolves when every listener has joined all its channels again. */
  async allBack(): Promise<void> {
    await until(
      () => this.listeners.filter(({ outages }) => outages.at(-1)?.joinedAt === null).length,
      (away) => away === 0,
      { what: 'all listeners back', withinMs: 60_000 },
    );
  }

  /**
   * Resolves when both connections of every node lead to this server.
   *
   * @param serverNow asked each time: sentinels may change their mind
   */
  async untilAllOn(serverNow: () => Promise<TestRedis | undefined>, withinMs = 15_000): Promise<void> {
    const wanted = this.boots.flatMap((boot) => [`outcry-pub:${boot}`, `outcry-sub:${boot}`]);
    await until(
      async () => {
        const client = (await serverNow())?.client();
        try {
          // A server that is promoted cuts its connections.
          const list = String(await client?.call('CLIENT', 'LIST').catch(() => ''));
          return wanted.filter((name) => !list.includes(`name=${name} `));
        } finally {
          client?.disconnect();
        }
      },
      (missing) => missing.length === 0,
      { what: 'all nodes on that Redis', withinMs },
    );
  }

  /** Listeners that have a connection now. */
  get connected(): number {
    return this.listeners.filter(({ client }) => client.state === 'connected').length;
  }

  /** Lines in which a node says that something cannot be. */
  get bugs(): number {
    return this.nodes.flatMap(({ logs }) => logs).filter((line) => line.includes('this is a bug')).length;
  }

  /** Nodes whose process has ended by itself. */
  async gone(): Promise<number> {
    const ended = this.nodes.map(({ exited }) =>
      Promise.race([exited.then(() => 1), this.pass(0).then(() => 0)]),
    );
    return (await Promise.all(ended)).reduce((sum, one) => sum + one, 0);
  }

  /** Connections that listeners have lost so far. */
  get disconnects(): number {
    return this.listeners.reduce((total, { outages }) => total + outages.length, 0);
  }

  /** The figures of each kind, and the lines that hold whatever the fault. */
  result(lines: readonly Line[], { redisKept = true } = {}): Result {
    const now = performance.now();
    const kinds = this.#around.kinds.map((kind): KindResult => {
      const ledger = this.ledger.report(now, (channel) => kindOf(channel) === kind);
      return {
        kind,
        ledger,
        lostSilently: ledger.silent,
        signMs: ledger.signMs,
        caughtUpMs: this.#caughtUpMsOf(kind),
      };
    });
    return {
      strain: this.strain,
      kinds,
      lines: [...kinds.flatMap((kind) => linesOf(kind, redisKept)), ...lines],
    };
  }

  /** From a fault until the last message that was late or stood behind a hole, the slowest; null if none was. */
  #caughtUpMsOf(kind: ChannelKind): number | null {
    const { caughtUpAt } = this.ledger.report(performance.now(), (channel) => kindOf(channel) === kind);
    const before = this.#caughtUpMs.get(kind) ?? null;
    if (caughtUpAt === null || caughtUpAt < this.faultAt) return before;
    return Math.max(before ?? 0, caughtUpAt - this.faultAt);
  }
}

async function bootOf(node: TestNode, nodeId: string): Promise<string> {
  const { body } = await api(node, 'nodes');
  return body.nodes.find((each: { node: string }) => each.node === nodeId).boot;
}

/** So that each channel has listeners on all nodes, whatever the numbers are. */
function channelOf(kind: ChannelKind, index: number, { nodes = 3, channels }: StageOptions): string {
  return `${channelKinds[kind].prefix}${Math.floor(index / nodes) % channels}`;
}

function linesOf({ kind, ledger }: KindResult, redisKept: boolean): Line[] {
  const wrong = ledger.duplicated + ledger.reordered + ledger.corrupted + ledger.phantom;
  const lines = [
    exactly(`${kind}: lost silently`, ledger.silent, 0),
    exactly(`${kind}: told before it was sent`, ledger.toldEarly, 0),
    exactly(`${kind}: told after what came behind it`, ledger.toldLate, 0),
    exactly(`${kind}: duplicated, reordered, corrupted or invented`, wrong, 0),
  ];
  if (channelKinds[kind].recovers && redisKept)
    lines.push(
      exactly(`${kind}: lost`, ledger.lost, 0),
      exactly(`${kind}: false alarms`, ledger.falseAlarms, 0),
    );
  return lines;
}
