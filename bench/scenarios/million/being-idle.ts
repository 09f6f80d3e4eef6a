/**
 * The crowd is there and nothing is said: how many cores that takes.
 */
import { cpus } from 'node:os';
import { setTimeout as pause } from 'node:timers/promises';
import { monotonicMs } from '../../generator/monotonic.ts';
import type { Reporter } from '../../report/reporter.ts';
import { cpuSecondsOf } from '../../systems/process-usage.ts';
import { type Measured, spentBy } from './measured.ts';

export async function beIdle(measured: Measured, idleSeconds: number, reporter: Reporter): Promise<void> {
  const { proxy, crowd } = measured;
  const take = () => ({
    at: monotonicMs(),
    ...spentBy(measured),
    crowd: cpuSecondsOf(crowd.pids),
    machine: machineSeconds(),
  });
  reporter.progress(`million: idle for ${idleSeconds} s`);
  const before = take();
  await pause(idleSeconds * 1_000);
  const after = take();
  const seconds = (after.at - before.at) / 1_000;
  const cores = (what: 'server' | 'proxy' | 'crowd' | 'machine') =>
    ((after[what] - before[what]) / seconds).toFixed(3);
  reporter.raw({ scenario: 'million', phase: 'idle', seconds, before, after });
  reporter.progress(`million: idle, the server takes ${cores('server')} cores`);
  reporter.row('idle, cores', {
    connections: crowd.standing.joined.toLocaleString('en'),
    seconds: seconds.toFixed(0),
    server: cores('server'),
    ...(proxy === null ? {} : { HAProxy: cores('proxy') }),
    generator: cores('crowd'),
    'machine, all programs': cores('machine'),
  });
}

/** CPU seconds of all cores so far that were not idle. */
function machineSeconds(): number {
  return cpus().reduce(
    (sum, { times: { user, nice, sys, irq } }) => sum + (user + nice + sys + irq) / 1_000,
    0,
  );
}
