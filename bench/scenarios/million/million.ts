/**
 * `million`: very many connections to one Outcry, all of them idle, and then one publication for all. How long it takes to
 * connect them, what each costs in memory (the kernel's included), when the first, the median and the last one has got a
 * publication, and what it costs to keep them.
 *
 * Both ends are on this machine. The generator (`crowd/`) keeps nothing for a connection but a few bytes, so what is left of
 * the memory is the server's and the kernel's, for both ends.
 */
import { exitCodes, UserError } from '../../../src/errors.ts';
import { Crowd } from '../../crowd/crowd.ts';
import type { Target } from '../../generator/messages.ts';
import type { Reporter } from '../../report/reporter.ts';
import { HaproxyFleet } from '../../systems/haproxy-fleet.ts';
import { outcryWorkers } from '../../systems/outcry-workers.ts';
import type { Running } from '../../systems/running.ts';
import { beIdle } from './being-idle.ts';
import { broadcast } from './broadcasting.ts';
import { type ConnectOptions, connect } from './connecting.ts';
import { millionMachine } from './machine.ts';
import { MemoryGuard } from './memory-guard.ts';
import { type MillionPlan, planMillion } from './plan.ts';
import { measureReference } from './bars.ts';

export interface MillionOptions extends ConnectOptions {
  /** Null for as many as the limit of descriptors demands. */
  workers: number | null;
  /** Publications of each size. */
  broadcasts: number;
  /** For which the idle crowd is watched. */
  idleSeconds: number;
  /** With what a delivery costs where `fanout` begins, to compare with. */
  reference: boolean;
  /** Of the nodes, beyond the defaults. */
  flags: readonly string[];
}

export async function million(options: MillionOptions, running: Running, reporter: Reporter): Promise<void> {
  const { clients, via, runtime, codec, flags, broadcasts } = options;
  const machine = millionMachine();
  const plan = planMillion(clients, via, machine, options.workers);
  if (plan.refusals.length > 0)
    throw new UserError(
      `${clients.toLocaleString('en')} connections do not fit here: ${plan.refusals.join('; ')}`,
      exitCodes.failure,
    );
  reporter.progress(
    `million: ${processesOf(plan)}; about ${(plan.expectedBytes / 1e9).toFixed(1)} of ${(machine.availableBytes / 1e9).toFixed(1)} GB`,
  );
  const referenceMicros = options.reference
    ? await measureReference(runtime, codec, running, reporter)
    : null;

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
      await beIdle(measured, options.idleSeconds, reporter);
      for (const size of options.sizes)
        await broadcast(measured, { size, broadcasts, referenceMicros }, reporter);
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

function processesOf({ workers, crowdProcesses, proxies }: MillionPlan): string {
  const ofHaproxy = proxies === 0 ? '' : `, ${proxies} of HAProxy`;
  return `${workers} workers, ${crowdProcesses} processes of clients${ofHaproxy}`;
}
