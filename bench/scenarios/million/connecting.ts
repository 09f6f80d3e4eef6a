/**
 * The crowd connects: how long it takes, and what each connection costs in CPU and memory.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { monotonicMs } from '../../generator/monotonic.ts';
import { outcomeOf } from '../../report/bar.ts';
import type { Reporter } from '../../report/reporter.ts';
import type { Via } from '../../systems/haproxy-fleet.ts';
import { proportionalBytes } from '../../systems/process-usage.ts';
import type { Codec, Runtime } from '../../systems/system.ts';
import { type Measured, type Memory, memoryOf, type Spent, spentBy, spentSince } from './measured.ts';
import { failuresOf, type MemoryGuard } from './memory-guard.ts';

/** Bytes of user space that a tunnel may cost HAProxy. */
const maxTunnelBytes: Partial<Record<Via, number>> = { 'haproxy-l4': 3_500, haproxy: 5_000 };
/** Fewer connections than this are not more than what an allocator keeps in reserve. */
const fewestForBytes = 5_000;

/** After connecting: frees and collections of both ends. A few connections leave little behind. */
const maxSettleMs = 3_000;

export interface ConnectOptions {
  clients: number;
  via: Via | null;
  runtime: Runtime;
  codec: Codec;
  /** Bytes of publications. */
  sizes: readonly number[];
}

interface Connected {
  joined: number;
  seconds: number;
  cpu: Spent;
  before: Memory;
  after: Memory;
  crowdBytes: number;
}

export async function connect(
  measured: Measured,
  options: ConnectOptions,
  guard: MemoryGuard,
  reporter: Reporter,
): Promise<void> {
  const { server, crowd } = measured;
  const { clients, via, codec, runtime } = options;
  const connected = await openAll(measured, options, guard);
  const { joined, seconds, cpu, before, after, crowdBytes } = connected;
  const { failures } = crowd.standing;
  for (const [reason, count] of Object.entries(failures))
    reporter.note(`${count} handshakes were made again: ${reason}`);
  const each = bytesOfEach(connected);
  reporter.raw({
    ...{ scenario: 'million', phase: 'connect', clients, via, runtime, codec, joined, failures, seconds },
    ...{ cpuSeconds: cpu.server, proxyCpuSeconds: cpu.proxy, before, after, crowdBytes },
    ...{ totalBytes: before.available - after.available, kernelBytes: each.kernel },
    ...{ serverBytes: each.server, proxyBytes: each.proxy, command: server.command },
  });
  addRows(measured, options, connected, reporter);
  addTunnelBar(via, joined, each.proxy, reporter);
  reporter.progress(
    `million: ${joined.toLocaleString('en')} connected in ${seconds.toFixed(1)} s; bytes of each: server ${each.server.toFixed(0)}, kernel ${each.kernel.toFixed(0)}; ${((before.available - after.available) / 1e9).toFixed(2)} GB in all`,
  );
}

async function openAll(
  measured: Measured,
  { clients, sizes }: ConnectOptions,
  guard: MemoryGuard,
): Promise<Connected> {
  const { crowd, target } = measured;
  const before = memoryOf(measured);
  const cpuBefore = spentBy(measured);
  const startedAt = monotonicMs();
  guard.phase = 'connecting';
  await crowd.connect(target, sizes[0] as number, clients);
  const seconds = (monotonicMs() - startedAt) / 1_000;
  const cpu = spentSince(cpuBefore, measured);
  guard.phase = 'settling';
  await pause(Math.min(maxSettleMs, clients));
  const after = memoryOf(measured);
  const crowdBytes = proportionalBytes(crowd.pids);
  return { joined: crowd.standing.joined, seconds, cpu, before, after, crowdBytes };
}

function addRows(
  { server, proxy, crowd }: Measured,
  { via, codec }: ConnectOptions,
  connected: Connected,
  reporter: Reporter,
): void {
  const { joined, seconds, cpu, before, after } = connected;
  const each = bytesOfEach(connected);
  const connections = joined.toLocaleString('en');
  const micros = (cpuSeconds: number) => ((cpuSeconds * 1e6) / joined).toFixed(0);
  reporter.row('connections', {
    connections,
    via: via ?? 'nothing',
    codec,
    'server processes': String(server.pids.length),
    seconds: seconds.toFixed(1),
    'a second': (joined / seconds).toFixed(0),
    'made again': String(failuresOf(crowd.standing)),
    'server CPU µs each': micros(cpu.server),
    ...(proxy === null ? {} : { 'HAProxy CPU µs each': micros(cpu.proxy) }),
  });
  reporter.row('memory, bytes of a connection', {
    connections,
    server: each.server.toFixed(0),
    ...(proxy === null ? {} : { HAProxy: each.proxy.toFixed(0) }),
    [`kernel, ${proxy === null ? 'both' : 'all four'} ends`]: each.kernel.toFixed(0),
    generator: each.generator.toFixed(0),
    'all, with the generator': each.all.toFixed(0),
    'server GB': (after.server / 1e9).toFixed(2),
    'kernel GB': ((after.slab - before.slab) / 1e9).toFixed(2),
    'all GB': ((before.available - after.available) / 1e9).toFixed(2),
  });
}

function bytesOfEach({ joined, before, after, crowdBytes }: Connected) {
  return {
    server: (after.server - before.server) / joined,
    proxy: (after.proxy - before.proxy) / joined,
    kernel: (after.slab - before.slab) / joined,
    generator: crowdBytes / joined,
    all: (before.available - after.available) / joined,
  };
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
