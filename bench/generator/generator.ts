/**
 * The load generator: workers under one parent, one measurement at a time.
 *
 * Receivers and publisher are processes of their own, so that a publisher is never late because a receiver reads. What
 * they found is merged here: counts add up, histograms are merged bucket by bucket.
 */
import { cpus } from 'node:os';
import { type Latency, mergedLatency } from './latency.ts';
import type { FromPublisher, Misbehaviour, Target, ToPublisher } from './messages.ts';
import { monotonicMs } from './monotonic.ts';
import { Receivers } from './receivers.ts';
import { addCounts, type Counts } from './tally.ts';
import { judge, type Verdict } from './verdict.ts';
import { audienceOf, oneChannel, type Topology } from './topology.ts';
import { Worker } from './worker.ts';

/** One receiver process reads about half a million small messages a second; one core is left for the server. */
const defaultProcesses = Math.max(1, cpus().length - 1);

export interface Load {
  /** Where subscribers connect, in turn. */
  subscribeTo: readonly Target[];
  publishTo: Target;
  receivers: number;
  /** Receiver processes. */
  processes?: number;
  rate: number;
  seconds: number;
  /** The same load before, not measured: compilers warm up, buffers grow. */
  warmUpSeconds?: number;
  recordBytes: number;
  /** One channel that all hear, unless given. */
  topology?: Topology;
  /** Some subscribers do this when the measurement begins, and what they get does not count. One channel only. */
  misbehaving?: { subscribers: number; how: Misbehaviour };
  /** Called from time to time with the deliveries so far. */
  onProgress?: (deliveries: number) => void;
}

export interface Measurement {
  published: number;
  expected: number;
  counts: Counts;
  /** Subscribers whose connection ended. */
  closed: number;
  /** Those that misbehaved: how many were cut off, and how many seconds it took them. */
  misbehaved: { closed: number; seconds: number } | null;
  /** Milliseconds from the time that a record was due. */
  latency: Latency;
  scheduleLag: Latency;
  longestStallMs: number;
  /** Writes of the publisher that the kernel did not take at once. */
  heldBack: number;
  connectSeconds: number;
  /** That subscribers got, as they came: frames and all, compressed or not. */
  wireBytes: number;
  /** From the first record due to the last delivery. */
  elapsedSeconds: number;
  deliveriesPerSecond: number;
  publisherCpuSeconds: number;
  receiverCpuSeconds: number[];
  /** All of the generator, in cores. */
  generatorCores: number;
  verdict: Verdict;
}

/** The workers of a running generator, by process id. */
export interface Pids {
  publisher: number;
  receivers: number[];
}

/** Hooks around the time in which the server works for this load. */
export interface Around {
  /** Called when everybody is connected and warm. */
  before(pids: Pids): void | Promise<void>;
  /** Called when the last delivery has come. */
  after(): void | Promise<void>;
}

/** Connects, publishes, waits until nothing more comes, and accounts for everything. Leaves nothing running. */
export async function generate(load: Load, around: Around): Promise<Measurement> {
  const receivers = new Receivers(load.processes ?? defaultProcesses, load.onProgress);
  const publisher = new Worker<ToPublisher, FromPublisher>('publisher.ts');
  try {
    const { subscribeTo, publishTo, recordBytes, topology = oneChannel } = load;
    const subscribing = { targets: subscribeTo, recordBytes, topology };
    const { seconds: connectSeconds } = await receivers.connect(subscribing, load.receivers);
    const publishing = { target: publishTo, recordBytes, topology };
    await publisher.ask({ type: 'connect', ...publishing }, 'connected');
    await runOnce(load, load.warmUpSeconds ?? 0, 0, receivers, publisher);

    const { misbehaving = { subscribers: 0, how: 'stop reading' } } = load;
    if (misbehaving.subscribers > 0) await receivers.setAside(misbehaving.subscribers);

    await around.before({ publisher: publisher.pid, receivers: receivers.pids });
    const parentCpu = process.cpuUsage();
    const behaving = { ...load, receivers: load.receivers - misbehaving.subscribers };
    const [{ published, expected, stillComing, elapsedSeconds }, misbehavedSeconds] = await Promise.all([
      runOnce(behaving, load.seconds, 1, receivers, publisher),
      misbehaving.subscribers > 0 ? receivers.misbehave(misbehaving.how) : 0,
    ]);
    await around.after();
    const { user, system } = process.cpuUsage(parentCpu);
    const reports = await receivers.report(published.perChannel);

    const counts = addCounts(reports.map((report) => report.counts));
    const closed = sum(reports.map((report) => report.closed));
    const scheduleLag = mergedLatency([published.lag]);
    const receiverCpuSeconds = reports.map((report) => report.cpuSeconds);
    const longestStallMs = Math.max(scheduleLag.max, ...reports.map((report) => report.longestStallMs));
    return {
      published: published.records,
      expected,
      counts,
      closed,
      misbehaved:
        misbehaving.subscribers > 0
          ? { closed: sum(reports.map((report) => report.asideClosed)), seconds: misbehavedSeconds }
          : null,
      latency: mergedLatency(reports.map((report) => report.latency) as [string, ...string[]]),
      scheduleLag,
      longestStallMs,
      heldBack: published.heldBack,
      connectSeconds,
      wireBytes: sum(reports.map((report) => report.wireBytes)),
      elapsedSeconds,
      deliveriesPerSecond: (counts.deliveries + counts.stale) / elapsedSeconds,
      publisherCpuSeconds: published.cpuSeconds,
      receiverCpuSeconds,
      generatorCores:
        (published.cpuSeconds + sum(receiverCpuSeconds) + (user + system) / 1e6) / elapsedSeconds,
      verdict: judge({
        counts,
        expected,
        stillComing,
        closed,
        scheduleLagP99Ms: scheduleLag.p99,
        receiverShare: Math.max(...receiverCpuSeconds) / elapsedSeconds,
        longestStallMs,
      }),
    };
  } finally {
    await Promise.all([receivers.end(), publisher.end()]);
  }
}

/** One load on the schedule. */
async function runOnce(
  { rate, receivers: subscribers, topology = oneChannel }: Load,
  seconds: number,
  run: number,
  receivers: Receivers,
  publisher: Worker<ToPublisher, FromPublisher>,
) {
  await receivers.begin(run);
  const startedAt = monotonicMs();
  const published = await publisher.ask({ type: 'publish', rate, seconds, run }, 'published');
  const sentAt = monotonicMs();
  const audience = audienceOf(topology, subscribers);
  const expected = sum(
    published.perChannel.map((records, channel) => records * (audience[channel] as number)),
  );
  const { stillComing } = await receivers.untilDelivered(expected);
  const elapsedSeconds = (Math.max(receivers.lastAt, sentAt) - startedAt) / 1_000;
  return { published, expected, stillComing, elapsedSeconds };
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
