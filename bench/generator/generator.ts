/**
 * The load generator: workers under one parent, one measurement at a time.
 *
 * Receivers and publisher are processes of their own, so that a publisher is never late because a receiver reads. Results
 * are merged here: counts add up, histograms are merged bucket by bucket, never averaged.
 */
import { decodeFromCompressedBase64, type Histogram } from 'hdr-histogram-js';
import type { FromPublisher, FromReceiver, Target, ToPublisher, ToReceiver } from './messages.ts';
import { monotonicMs } from './monotonic.ts';
import type { Counts } from './tally.ts';
import { judge, type Verdict } from './verdict.ts';
import { Worker } from './worker.ts';

/** Nothing has come for this long after the last record was sent: nothing will. */
const quietMs = 500;
/** A server that is so far behind is not waited for any longer. */
const maxDrainMs = 10_000;

/** Handshakes under way at once over all receivers: well below the backlog of 512 of the runtimes. */
const parallelHandshakes = 64;

export interface Load {
  target: Target;
  /** Where the publisher connects, if not to the same. */
  publishTo?: Target;
  receivers: number;
  /** Receiver processes; one reads about half a million small messages a second. */
  processes: number;
  rate: number;
  seconds: number;
  recordBytes: number;
  /** The filler of one record in so many is looked at. */
  verifyEvery?: number;
  /** Called from time to time with the deliveries so far. */
  onProgress?: (deliveries: number) => void;
}

export interface Latency {
  p50: number;
  p90: number;
  p99: number;
  p999: number;
  max: number;
}

export interface Measurement {
  published: number;
  expected: number;
  counts: Counts;
  /** Subscribers whose connection ended. */
  closed: number;
  /** Milliseconds from the time that a record was due. */
  latency: Latency;
  scheduleLag: Latency;
  connectSeconds: number;
  /** From the first record due to the last delivery. */
  elapsedSeconds: number;
  deliveriesPerSecond: number;
  publisherCpuSeconds: number;
  receiverCpuSeconds: number[];
  verdict: Verdict;
}

type Receiver = Worker<ToReceiver, FromReceiver>;

/** Hooks around the time in which the server works for this load. */
export interface Around {
  before(): void | Promise<void>;
  /** Called when the last delivery has come. */
  after(): void | Promise<void>;
}

/** Connects, publishes, waits until nothing more comes, and accounts for everything. Leaves nothing running. */
export async function generate(load: Load, around: Around): Promise<Measurement> {
  const progress = new Array<number>(load.processes).fill(0);
  let lastProgressAt = monotonicMs();
  const receivers: Receiver[] = progress.map(
    (_, index) =>
      new Worker<ToReceiver, FromReceiver>('receiver.ts', (message) => {
        if (message.type !== 'progress') return;
        progress[index] = message.deliveries;
        lastProgressAt = monotonicMs();
        load.onProgress?.(sum(progress));
      }),
  );
  const publisher = new Worker<ToPublisher, FromPublisher>('publisher.ts');
  try {
    const shares = split(load.receivers, load.processes);
    const connected = await Promise.all(
      receivers.map((receiver, index) =>
        receiver.ask(
          {
            type: 'connect',
            target: load.target,
            connections: shares[index] as number,
            localAddresses: localAddresses(index),
            parallel: Math.max(1, Math.floor(parallelHandshakes / load.processes)),
            recordBytes: load.recordBytes,
            verifyEvery: load.verifyEvery ?? 16,
          },
          'connected',
        ),
      ),
    );
    const publishTo = load.publishTo ?? load.target;
    await publisher.ask({ type: 'connect', target: publishTo, recordBytes: load.recordBytes }, 'connected');

    await Promise.all(receivers.map((receiver) => receiver.ask({ type: 'begin' }, 'begun')));
    await around.before();
    const startedAt = monotonicMs();
    const published = await publisher.ask(
      { type: 'publish', rate: load.rate, seconds: load.seconds },
      'published',
    );
    const expected = published.records * load.receivers;
    const sentAt = monotonicMs();
    while (
      sum(progress) < expected &&
      monotonicMs() - Math.max(lastProgressAt, sentAt) < quietMs &&
      monotonicMs() - sentAt < maxDrainMs
    )
      await new Promise((resolve) => setTimeout(resolve, 10));
    await around.after();

    const reports = await Promise.all(
      receivers.map((receiver) => receiver.ask({ type: 'report', published: published.records }, 'report')),
    );
    const elapsedSeconds = (Math.max(lastProgressAt, sentAt) - startedAt) / 1_000;
    const counts = addCounts(reports.map((report) => report.counts));
    const scheduleLag = percentiles([published.lagHistogram]);
    const receiverCpuSeconds = reports.map((report) => report.cpuSeconds);
    return {
      published: published.records,
      expected,
      counts,
      closed: sum(reports.map((report) => report.closed)),
      latency: percentiles(reports.map((report) => report.histogram)),
      scheduleLag,
      connectSeconds: Math.max(...connected.map((answer) => answer.seconds)),
      elapsedSeconds,
      deliveriesPerSecond: counts.deliveries / elapsedSeconds,
      publisherCpuSeconds: published.cpuSeconds,
      receiverCpuSeconds,
      verdict: judge({
        counts,
        expected,
        scheduleLagP99Ms: scheduleLag.p99,
        receiverShare: Math.max(...receiverCpuSeconds) / elapsedSeconds,
      }),
    };
  } finally {
    await Promise.all([...receivers, publisher].map((worker) => worker.end()));
  }
}

/** A few source addresses for each worker: one pair of addresses has 28,000 ports. */
function localAddresses(worker: number): string[] {
  return Array.from({ length: 4 }, (_, i) => `127.0.${1 + (worker % 200)}.${1 + i}`);
}

function split(total: number, parts: number): number[] {
  return Array.from({ length: parts }, (_, i) => Math.floor((total + i) / parts));
}

function percentiles(encoded: readonly string[]): Latency {
  const [first, ...others] = encoded.map((histogram) => decodeFromCompressedBase64(histogram));
  const merged = first as Histogram;
  for (const histogram of others) merged.add(histogram);
  const at = (percentile: number) => merged.getValueAtPercentile(percentile) / 1_000;
  return { p50: at(50), p90: at(90), p99: at(99), p999: at(99.9), max: merged.maxValue / 1_000 };
}

function addCounts(all: readonly Counts[]): Counts {
  const total = (pick: (counts: Counts) => number) => sum(all.map(pick));
  return {
    deliveries: total((counts) => counts.deliveries),
    duplicates: total((counts) => counts.duplicates),
    reordered: total((counts) => counts.reordered),
    corrupted: total((counts) => counts.corrupted),
    lost: total((counts) => counts.lost),
    overflowed: all.some((counts) => counts.overflowed),
  };
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
