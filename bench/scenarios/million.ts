/**
 * `million`: very many connections to one Outcry, all of them idle, and then one publication for all. How long it takes to
 * connect them, what each costs in memory (the kernel's included), when the first, the median and the last one has got a
 * publication, and what it costs to keep them.
 *
 * Both ends are on this machine. The generator (`crowd/`) keeps nothing for a connection but a few bytes, so what is left of
 * the memory is the server's and the kernel's, for both ends.
 */
import { cpus } from 'node:os';
import { exitCodes, UserError } from '../../src/errors.ts';
import { Crowd, type Reception } from '../crowd/crowd.ts';
import { speak } from '../generator/conversation.ts';
import { dialects } from '../generator/dialects/catalogue.ts';
import type { Target } from '../generator/messages.ts';
import { monotonicMs } from '../generator/monotonic.ts';
import { outcomeOf } from '../report/bar.ts';
import type { Reporter } from '../report/reporter.ts';
import { systemNamed } from '../systems/catalogue.ts';
import { HaproxyFleet } from '../systems/haproxy-fleet.ts';
import { availableBytes, slabBytes } from '../systems/kernel-memory.ts';
import { millionMachine } from '../systems/million-machine.ts';
import { outcryWorkers } from '../systems/outcry-workers.ts';
import { proportionalBytes, type Usage, usageOf } from '../systems/process-usage.ts';
import type { Running } from '../systems/running.ts';
import type { Codec, RunningSystem, Runtime } from '../systems/system.ts';
import { accountedFor, measureDelivery } from './delivery.ts';
import { planMillion, reserveBytes, type Via } from './million-plan.ts';

/** A broadcast must have reached the last client by then. */
const maxLastSeconds = 10;
/** Server CPU of a delivery, as a multiple of what it is with a thousand subscribers at ten messages a second. */
const maxDeliveryRatio = 1.5;
const referenceBytes = 100;
const reference = { receivers: 1_000, rate: 10, seconds: 4, warmUpSeconds: 1 };

/** Bytes of user space that a tunnel may cost HAProxy. */
const maxTunnelBytes: Partial<Record<Via, number>> = { 'haproxy-l4': 3_500, haproxy: 5_000 };
/** Fewer connections than this are not more than what an allocator keeps in reserve. */
const fewestForBytes = 5_000;

/** Nothing has come for this long: nothing will. */
const quietMs = 5_000;
const maxBroadcastMs = 120_000;
/** After connecting: frees and collections of both ends. A few connections leave little behind. */
const maxSettleMs = 3_000;
const tickMs = 1_000;

export interface MillionOptions {
  clients: number;
  via: Via | null;
  runtime: Runtime;
  codec: Codec;
  /** Null for as many as the limit of descriptors demands. */
  workers: number | null;
  /** Bytes of publications. */
  sizes: readonly number[];
  /** Publications of each size. */
  broadcasts: number;
  /** For which the idle crowd is watched. */
  idleSeconds: number;
  /** With what a delivery costs where `fanout` begins, to compare with. */
  reference: boolean;
  /** Of the nodes, beyond the defaults. */
  flags: readonly string[];
}

/** What is measured: the server, and whatever stands before it. */
interface Measured {
  server: RunningSystem;
  proxy: HaproxyFleet | null;
  crowd: Crowd;
  /** Where the crowd connects. */
  target: Target;
}

export async function million(options: MillionOptions, running: Running, reporter: Reporter): Promise<void> {
  const { clients, via, runtime, codec, flags } = options;
  const machine = millionMachine();
  const plan = planMillion(clients, via, machine, options.workers);
  if (plan.refusals.length > 0)
    throw new UserError(
      `${clients.toLocaleString('en')} connections do not fit here: ${plan.refusals.join('; ')}`,
      exitCodes.failure,
    );
  reporter.progress(
    `million: ${plan.workers} workers, ${plan.crowdProcesses} processes of clients${via === null ? '' : `, ${plan.proxies} of HAProxy`}; about ${(plan.expectedBytes / 1e9).toFixed(1)} of ${(machine.availableBytes / 1e9).toFixed(1)} GB`,
  );
  const predicted = options.reference ? await referenceMicros(runtime, codec, running, reporter) : null;

  const system = outcryWorkers(plan.workers, { runtime, codec, flags });
  const server = await system.start({ running });
  const proxy = via === null ? null : await HaproxyFleet.start({ via, count: plan.proxies, server, running });
  const crowd = running.add(new Crowd(machine.descriptorLimit));
  const target = proxy?.target ?? (server.subscribeTo[0] as Target);
  const measured = { server, proxy, crowd, target };
  const guard = new MemoryGuard(crowd, clients, reporter);
  try {
    await guard.during(async () => {
      await connect(measured, options, guard, reporter);
      await beIdle(measured, options, reporter);
      for (const size of options.sizes) await broadcast(measured, size, predicted, options, reporter);
      const { closed } = crowd.standing;
      if (closed > 0) reporter.note(`${closed} connections ended although nobody closed them`);
    });
  } finally {
    guard.stop();
    // The crowd first: its connections are reset, and nobody has to be sent away.
    await running.stop(crowd);
    if (proxy !== null) await proxy.stop();
    await server.stop();
  }
}

/** CPU microseconds of a delivery where `fanout` begins. NaN if that run does not count. */
async function referenceMicros(
  runtime: Runtime,
  codec: Codec,
  running: Running,
  reporter: Reporter,
): Promise<number> {
  const name = `outcry-${runtime}${codec === 'raw' ? '' : `-${codec}`}`;
  reporter.progress(`million: what a delivery costs ${name} at ${reference.rate} messages/s`);
  const run = await measureDelivery(
    systemNamed(name),
    { ...reference, recordBytes: referenceBytes },
    running,
  );
  reporter.raw({ scenario: 'million', phase: 'reference', system: name, ...run });
  return accountedFor(run) ? run.cpuMicrosPerDelivery : Number.NaN;
}

async function connect(
  { server, proxy, crowd, target }: Measured,
  { clients, via, codec, runtime, sizes }: MillionOptions,
  guard: MemoryGuard,
  reporter: Reporter,
): Promise<void> {
  const before = memoryOf(server, proxy);
  const cpuBefore = secondsOf(usageOf(server.pids));
  const proxyCpuBefore = secondsOf(usageOf(proxy?.pids ?? []));
  const startedAt = monotonicMs();
  guard.phase = 'connecting';
  await crowd.connect(target, sizes[0] as number, clients);
  const seconds = (monotonicMs() - startedAt) / 1_000;
  const cpuSeconds = secondsOf(usageOf(server.pids)) - cpuBefore;
  const proxyCpuSeconds = secondsOf(usageOf(proxy?.pids ?? [])) - proxyCpuBefore;
  guard.phase = 'settling';
  await pause(Math.min(maxSettleMs, clients));
  const after = memoryOf(server, proxy);
  const crowdBytes = proportionalBytes(crowd.pids);
  const { joined, failures } = crowd.standing;
  const failed = Object.values(failures).reduce((sum, count) => sum + count, 0);
  for (const [reason, count] of Object.entries(failures))
    reporter.note(`${count} handshakes were made again: ${reason}`);
  const each = (bytes: (memory: Memory) => number) => (bytes(after) - bytes(before)) / joined;
  const kernelBytes = each(({ slab }) => slab);
  const serverBytes = each(({ server: bytes }) => bytes);
  const proxyBytes = each(({ proxy: bytes }) => bytes);
  const totalBytes = before.available - after.available;
  reporter.raw({
    ...{ scenario: 'million', phase: 'connect', clients, via, runtime, codec, joined, failures, seconds },
    ...{ cpuSeconds, proxyCpuSeconds, before, after, crowdBytes, totalBytes },
    ...{ kernelBytes, serverBytes, proxyBytes, command: server.command },
  });
  reporter.row('connections', {
    connections: joined.toLocaleString('en'),
    via: via ?? 'nothing',
    codec,
    'server processes': String(server.pids.length),
    seconds: seconds.toFixed(1),
    'a second': (joined / seconds).toFixed(0),
    'made again': String(failed),
    'server CPU µs each': ((cpuSeconds * 1e6) / joined).toFixed(0),
    ...(proxy === null ? {} : { 'HAProxy CPU µs each': ((proxyCpuSeconds * 1e6) / joined).toFixed(0) }),
  });
  reporter.row('memory, bytes of a connection', {
    connections: joined.toLocaleString('en'),
    server: serverBytes.toFixed(0),
    ...(proxy === null ? {} : { HAProxy: proxyBytes.toFixed(0) }),
    [`kernel, ${proxy === null ? 'both' : 'all four'} ends`]: kernelBytes.toFixed(0),
    generator: (crowdBytes / joined).toFixed(0),
    'all, with the generator': (totalBytes / joined).toFixed(0),
    'server GB': (after.server / 1e9).toFixed(2),
    'kernel GB': ((after.slab - before.slab) / 1e9).toFixed(2),
    'all GB': (totalBytes / 1e9).toFixed(2),
  });
  addTunnelBar(via, joined, proxyBytes, reporter);
  reporter.progress(
    `million: ${joined.toLocaleString('en')} connected in ${seconds.toFixed(1)} s; bytes of each: server ${serverBytes.toFixed(0)}, kernel ${kernelBytes.toFixed(0)}; ${(totalBytes / 1e9).toFixed(2)} GB in all`,
  );
}

/** Handshakes are in the CPU of HAProxy, and the memory of a tunnel is what stays. */
function addTunnelBar(via: Via | null, connections: number, bytes: number, reporter: Reporter): void {
  const limit = via === null ? undefined : maxTunnelBytes[via];
  if (limit === undefined) return;
  reporter.row('bars', {
    bar: `${via}: at most ${limit} bytes of user space for a tunnel`,
    figure: bytes.toFixed(0),
    outcome: outcomeOf({ figure: bytes, limit, spread: 0, counts: connections >= fewestForBytes }),
  });
}

async function beIdle(
  { server, proxy, crowd }: Measured,
  { idleSeconds }: MillionOptions,
  reporter: Reporter,
): Promise<void> {
  const take = () => ({
    at: monotonicMs(),
    server: secondsOf(usageOf(server.pids)),
    proxy: secondsOf(usageOf(proxy?.pids ?? [])),
    crowd: secondsOf(usageOf(crowd.pids)),
    machine: machineSeconds(),
  });
  reporter.progress(`million: idle for ${idleSeconds} s`);
  const before = take();
  await pause(idleSeconds * 1_000);
  const after = take();
  const seconds = (after.at - before.at) / 1_000;
  const cores = (what: 'server' | 'proxy' | 'crowd' | 'machine') => (after[what] - before[what]) / seconds;
  reporter.raw({ scenario: 'million', phase: 'idle', seconds, before, after });
  reporter.progress(`million: idle, the server takes ${cores('server').toFixed(3)} cores`);
  reporter.row('idle, cores', {
    connections: crowd.standing.joined.toLocaleString('en'),
    seconds: seconds.toFixed(0),
    server: cores('server').toFixed(3),
    ...(proxy === null ? {} : { HAProxy: cores('proxy').toFixed(3) }),
    generator: cores('crowd').toFixed(3),
    'machine, all programs': cores('machine').toFixed(3),
  });
}

async function broadcast(
  { server, proxy, crowd }: Measured,
  size: number,
  predictedMicros: number | null,
  { broadcasts }: MillionOptions,
  reporter: Reporter,
): Promise<void> {
  const target = server.publishTo;
  const dialect = dialects[target.dialect](size);
  const ignored = { records() {}, mangled() {} };
  const publisher = await speak({ target, dialect, channels: [], sink: ignored });
  const record = Buffer.alloc(size);
  let worstLast = 0;
  const micros: number[] = [];
  let whole = true;
  for (let number = 1; number <= broadcasts; number += 1) {
    // Each is a run of its own: what comes late or twice belongs to another one, and is seen.
    await crowd.expect(runOf(size, number), size);
    const { joined } = crowd.standing;
    const cpuBefore = secondsOf(usageOf(server.pids));
    const proxyCpuBefore = secondsOf(usageOf(proxy?.pids ?? []));
    const sentAt = monotonicMs();
    dialect.form.write(record, {
      ...{ sequence: 0, intendedAt: sentAt, channel: 0, run: runOf(size, number) },
    });
    publisher.write(dialect.publication(record, 0));
    await untilReceived(crowd, joined);
    const got = await crowd.report();
    const cpu = secondsOf(usageOf(server.pids)) - cpuBefore;
    const proxyCpu = secondsOf(usageOf(proxy?.pids ?? [])) - proxyCpuBefore;
    const lost = joined - got.received;
    const lastSeconds = ((got.lastAt ?? sentAt) - sentAt) / 1_000;
    worstLast = Math.max(worstLast, lastSeconds);
    micros.push((cpu * 1e6) / got.received);
    whole &&= lost === 0 && isClean(got);
    reporter.raw({
      ...{ scenario: 'million', phase: 'broadcast', size, number, joined, ...got, sentAt, cpu, proxyCpu },
    });
    reporter.progress(
      `million: ${got.received.toLocaleString('en')} of ${joined.toLocaleString('en')} have the publication of ${size} bytes; the last after ${lastSeconds.toFixed(2)} s`,
    );
    reporter.row('one publication for all', {
      connections: joined.toLocaleString('en'),
      bytes: String(size),
      got: got.received.toLocaleString('en'),
      lost: String(lost),
      'twice or damaged': String(got.duplicates + got.corrupted + got.foreign + got.gaps),
      'first ms': ((got.firstAt ?? sentAt) - sentAt).toFixed(1),
      'median ms': (got.latency?.p50 ?? Number.NaN).toFixed(0),
      'p99 ms': (got.latency?.p99 ?? Number.NaN).toFixed(0),
      'last ms': (lastSeconds * 1_000).toFixed(0),
      'server CPU µs each': ((cpu * 1e6) / got.received).toFixed(2),
      ...(proxy === null ? {} : { 'HAProxy CPU µs each': ((proxyCpu * 1e6) / got.received).toFixed(2) }),
    });
  }
  publisher.close();
  addBars({ size, worstLast, micros, predictedMicros, whole, proxied: proxy !== null }, reporter);
}

interface Outcome {
  size: number;
  worstLast: number;
  micros: readonly number[];
  predictedMicros: number | null;
  whole: boolean;
  proxied: boolean;
}

function addBars(
  { size, worstLast, micros, predictedMicros, whole, proxied }: Outcome,
  reporter: Reporter,
): void {
  reporter.row('bars', {
    bar: `${size} bytes: the last client has it after at most ${maxLastSeconds} s`,
    figure: worstLast.toFixed(2),
    outcome: outcomeOf({ figure: worstLast, limit: maxLastSeconds, spread: 0, counts: whole }),
  });
  if (size !== referenceBytes || proxied || predictedMicros === null) return;
  const sorted = [...micros].sort((a, b) => a - b);
  const median = sorted[sorted.length >> 1] as number;
  const ratio = median / predictedMicros;
  reporter.row('bars', {
    bar: `server CPU of a delivery at most ${maxDeliveryRatio} × that of 1,000 subscribers at ${reference.rate} messages/s (${predictedMicros.toFixed(2)} µs)`,
    figure: ratio.toFixed(2),
    outcome: outcomeOf({ figure: ratio, limit: maxDeliveryRatio, spread: 0, counts: whole }),
  });
}

/** Resolves when so many have it, or nothing comes any more. */
async function untilReceived(crowd: Crowd, expected: number): Promise<void> {
  const startedAt = monotonicMs();
  let lastAt = startedAt;
  let received = 0;
  for (;;) {
    const now = monotonicMs();
    const { received: current } = crowd.standing;
    if (current >= expected) return;
    if (current !== received) lastAt = now;
    received = current;
    if (now - lastAt > quietMs || now - startedAt > maxBroadcastMs) return;
    await pause(20);
  }
}

function isClean({ duplicates, gaps, corrupted, foreign }: Reception): boolean {
  return duplicates + gaps + corrupted + foreign === 0;
}

/** A byte that tells the publications of a scenario apart. */
function runOf(size: number, number: number): number {
  return (size * 31 + number) & 0xff;
}

interface Memory {
  server: number;
  proxy: number;
  slab: number;
  available: number;
}

function memoryOf(server: RunningSystem, proxy: HaproxyFleet | null): Memory {
  return {
    server: proportionalBytes(server.pids),
    proxy: proportionalBytes(proxy?.pids ?? []),
    slab: slabBytes(),
    available: availableBytes(),
  };
}

/** Says each second how far it is, and ends everything before the machine has no memory left. */
class MemoryGuard {
  phase = 'starting';
  readonly #crowd: Crowd;
  readonly #exhausted = Promise.withResolvers<never>();
  readonly #timer: NodeJS.Timeout;

  constructor(crowd: Crowd, clients: number, reporter: Reporter) {
    this.#crowd = crowd;
    this.#exhausted.promise.catch(() => {});
    const startedAt = monotonicMs();
    let joinedBefore = 0;
    this.#timer = setInterval(() => {
      const { joined, closed, failures } = this.#crowd.standing;
      const available = availableBytes();
      if (this.phase === 'connecting') {
        const failed = Object.values(failures).reduce((sum, count) => sum + count, 0);
        const seconds = (monotonicMs() - startedAt) / 1_000;
        reporter.progress(
          `million: ${joined.toLocaleString('en')} of ${clients.toLocaleString('en')} connected after ${seconds.toFixed(0)} s (${(joined - joinedBefore).toLocaleString('en')}/s), ${failed} made again, ${closed} cut off, ${(available / 1e9).toFixed(1)} GB left`,
        );
      }
      joinedBefore = joined;
      if (available < reserveBytes)
        this.#exhausted.reject(
          new UserError(
            `given up at ${joined.toLocaleString('en')} connections: less than ${reserveBytes / 1e9} GB of memory were left`,
            exitCodes.failure,
          ),
        );
    }, tickMs);
  }

  /** @throws Error when memory runs out meanwhile */
  during(work: () => Promise<void>): Promise<void> {
    return Promise.race([work(), this.#exhausted.promise]);
  }

  stop(): void {
    clearInterval(this.#timer);
  }
}

/** CPU seconds of all cores so far that were not idle. */
function machineSeconds(): number {
  return cpus().reduce(
    (sum, { times: { user, nice, sys, irq } }) => sum + (user + nice + sys + irq) / 1_000,
    0,
  );
}

function secondsOf({ userSeconds, systemSeconds }: Usage): number {
  return userSeconds + systemSeconds;
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
