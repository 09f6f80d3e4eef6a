/**
 * One side of the race: a server, its subscribers and its publisher, each in processes of their own. Fed in turns; between
 * them all of it rests.
 */
import { cpus } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { mergedLatency } from '../generator/latency.ts';
import type { FromPublisher, ReceiverReport, ToPublisher } from '../generator/messages.ts';
import { monotonicMs } from '../generator/monotonic.ts';
import { Receivers } from '../generator/receivers.ts';
import { addCounts } from '../generator/tally.ts';
import { oneChannel } from '../generator/topology.ts';
import { judge } from '../generator/verdict.ts';
import { Worker } from '../generator/worker.ts';
import { secondsOf, type Usage, usageOf } from '../systems/process-usage.ts';
import type { Running } from '../systems/running.ts';
import { addSignals } from '../generator/signals.ts';
import type { Pair } from './pair.ts';
import { pauseReader } from './pausing.ts';
import { silentlyLostBy, silentlyLostIn } from './silent-loss.ts';
import type { Breakable, PausedReader, SideStanding, Turn } from './standing.ts';
import { storyOf } from './story.ts';

/** Turns that the page still shows. */
const keptTurns = 60;
/** Runs are told apart by one byte of a record. */
const runs = 256;
/** What was not delivered in ten seconds is waited for this many times more, or it would burden the other side's turn. */
const longestWaits = 3;
/** The same on both sides. While one is fed, the processes of the other rest. */
const receiverProcesses = Math.max(1, cpus().length - 1);

/** So much is fed before something is killed, and it stays away for so long. */
const wholeMs = 1_000;
const awayMs = 2_000;

/** What is fed: one node, or a pair of them. */
export type Fed = Pick<Pair, 'publishTo' | 'subscribeTo' | 'pids'>;

export interface Feed {
  clients: number;
  recordBytes: number;
}

/** What stands on the page, and what runs there, in a sentence. */
export type SideNames = Pick<SideStanding, 'name' | 'what'>;

export class Side {
  readonly standing: SideStanding;
  readonly #system: Fed;
  readonly #feed: Feed;
  readonly #publisher: Worker<ToPublisher, FromPublisher>;
  #receivers: Receivers;
  #deliveredBefore = 0;
  #runs = 0;

  private constructor(standing: SideStanding, system: Fed, feed: Feed) {
    this.standing = standing;
    this.#system = system;
    this.#feed = feed;
    this.#publisher = new Worker('publisher.ts');
    this.#receivers = this.#newReceivers();
  }

  /** Resolves when everybody is connected. */
  static async start(system: Fed, names: SideNames, feed: Feed, running: Running): Promise<Side> {
    const standing: SideStanding = {
      ...{ ...names, turns: [], delivered: 0, silentlyLost: 0, told: 0, cutOff: 0 },
      ...{ residentBytes: 0, pausedReader: null, story: [] },
    };
    const side = new Side(standing, system, feed);
    running.add({ stop: () => side.#end() });
    await side.#connect();
    const target = side.#system.publishTo;
    const { recordBytes } = feed;
    await side.#publisher.ask({ type: 'connect', target, recordBytes, topology: oneChannel }, 'connected');
    return side;
  }

  /** The feed at that rate for so many seconds, and until the last delivery. */
  async turn(rate: number, seconds: number, at: number): Promise<void> {
    const run = this.#runs++ % runs;
    await this.#receivers.begin(run);
    const before = usageOf(this.#system.pids);
    const startedAt = monotonicMs();
    const published = await this.#publisher.ask({ type: 'publish', rate, seconds, run }, 'published');
    const expected = published.records * this.#feed.clients;
    const stillComing = await this.#untilDelivered(expected);
    const after = usageOf(this.#system.pids);
    const elapsedSeconds =
      (Math.max(this.#receivers.lastAt, startedAt + seconds * 1_000) - startedAt) / 1_000;
    const reports = await this.#receivers.report(published.perChannel);
    this.#count(reports, stillComing, after);

    const counts = addCounts(reports.map((report) => report.counts));
    const latency = mergedLatency(reports.map((report) => report.latency) as [string, ...string[]]);
    const lag = mergedLatency([published.lag]);
    const { status, reservations } = judge({
      counts,
      expected,
      stillComing,
      closed: closedIn(reports),
      scheduleLagP99Ms: lag.p99,
      receiverShare: Math.max(...reports.map((report) => report.cpuSeconds)) / elapsedSeconds,
      longestStallMs: Math.max(lag.max, ...reports.map((report) => report.longestStallMs)),
    });
    const cpuSeconds = secondsOf(after) - secondsOf(before);
    this.#add({
      ...{ at, rate, p50: latency.p50, p99: latency.p99 },
      deliveriesPerSecond: counts.deliveries / elapsedSeconds,
      cpuMicrosPerDelivery: (cpuSeconds * 1e6) / Math.max(1, counts.deliveries),
      cpuShare: cpuSeconds / elapsedSeconds,
      ...{ status, reservations },
    });
    if (closedIn(reports) > 0) await this.#comeBack();
  }

  /** One more subscriber, which stops reading for so many seconds. */
  async pauseReader(seconds: number): Promise<void> {
    const paused: PausedReader = await pauseReader(this.#system.publishTo, seconds);
    this.standing.pausedReader = paused;
    this.standing.silentlyLost += silentlyLostBy(paused);
    if (paused.cutOff) this.standing.cutOff += 1;
  }

  /** The feed for so many seconds, in which something is killed and comes back, and so do those who were cut off. */
  async kill(what: Breakable, pair: Pair, rate: number, seconds: number): Promise<void> {
    const run = this.#runs++ % runs;
    this.standing.story = [];
    await this.#receivers.begin(run, true);
    const [published, times] = await Promise.all([
      this.#publisher.ask({ type: 'publish', rate, seconds, run }, 'published'),
      killAndStartAgain(what, pair),
    ]);
    await this.#receivers.untilDelivered(published.records * this.#feed.clients);
    const reports = await this.#receivers.report(published.perChannel);
    const signals = addSignals(reports.flatMap((report) => report.signals ?? []));
    const counts = addCounts(reports.map((report) => report.counts));
    const latency = mergedLatency(reports.map((report) => report.latency) as [string, ...string[]]);
    this.standing.silentlyLost += signals.silent;
    this.standing.told += signals.known;
    this.standing.cutOff += signals.cutOff;
    this.#deliveredBefore = this.standing.delivered;
    this.standing.story = storyOf({
      ...{ what, subscribers: this.#feed.clients, ...times, signals, refused: published.refused },
      ...{ twice: counts.duplicates, latency },
    });
    // Those who came back are all on the other node.
    if (signals.cutOff > 0) await this.#comeBack();
  }

  #count(reports: readonly ReceiverReport[], stillComing: boolean, { residentBytes }: Usage): void {
    const counts = addCounts(reports.map((report) => report.counts));
    const closed = closedIn(reports);
    this.standing.silentlyLost += silentlyLostIn(counts, { stillComing, closed });
    this.standing.cutOff += closed;
    this.standing.residentBytes = residentBytes;
    this.#deliveredBefore = this.standing.delivered;
  }

  #add(turn: Turn): void {
    this.standing.turns = [...this.standing.turns, turn].slice(-keptTurns);
  }

  /** Returns whether it was given up. */
  async #untilDelivered(expected: number): Promise<boolean> {
    for (let waits = 0; waits < longestWaits; waits += 1) {
      const { stillComing } = await this.#receivers.untilDelivered(expected);
      if (!stillComing) return false;
    }
    return true;
  }

  /** Those who were cut off connect again, as their programs would. */
  async #comeBack(): Promise<void> {
    await this.#receivers.end();
    this.#receivers = this.#newReceivers();
    await this.#connect();
  }

  #newReceivers(): Receivers {
    return new Receivers(receiverProcesses, (deliveries) => {
      this.standing.delivered = this.#deliveredBefore + deliveries;
    });
  }

  async #connect(): Promise<void> {
    const { clients, recordBytes } = this.#feed;
    const targets = this.#system.subscribeTo;
    await this.#receivers.connect({ targets, recordBytes, topology: oneChannel }, clients);
  }

  async #end(): Promise<void> {
    await Promise.all([this.#receivers.end(), this.#publisher.end()]);
  }
}

async function killAndStartAgain(
  what: Breakable,
  pair: Pair,
): Promise<{ killedAt: number; startedAgainAt: number }> {
  await sleep(wholeMs);
  const killedAt = monotonicMs();
  await (what === 'node' ? pair.killNode() : pair.killRedis());
  await sleep(awayMs);
  await (what === 'node' ? pair.startNodeAgain() : pair.startRedisAgain());
  return { killedAt, startedAgainAt: monotonicMs() };
}

function closedIn(reports: readonly ReceiverReport[]): number {
  return reports.reduce((sum, { closed }) => sum + closed, 0);
}
