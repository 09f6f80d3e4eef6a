/**
 * Several systems under the same load at several rates, in turn: the part that `fanout`, `ticker` and `rooms` share.
 */
import type { Topology } from '../generator/topology.ts';
import type { Reporter } from '../report/reporter.ts';
import type { Running } from '../systems/running.ts';
import type { System } from '../systems/system.ts';
import { Alternation } from './alternation.ts';
import { accountedFor, type Delivery, deliveryCells, measureDelivery } from './delivery.ts';

export interface SweepOptions {
  clients: number;
  /** Publications a second over all channels, one rate after the other. */
  rates: readonly number[];
  recordBytes: number;
  seconds: number;
  /** The same load before, not measured. */
  warmUpSeconds: number;
  rounds: number;
  systems: readonly System[];
}

/** @returns what each system did, by rate */
export async function sweep(
  scenario: string,
  topology: Topology,
  options: SweepOptions,
  running: Running,
  reporter: Reporter,
): Promise<Map<number, Alternation<Delivery>>> {
  const { clients, rates, recordBytes, rounds, seconds, warmUpSeconds } = options;
  const systems = installed(options.systems, reporter);
  const measured = new Map<number, Alternation<Delivery>>();
  for (const rate of rates) {
    const alternation = new Alternation<Delivery>(systems);
    await alternation.run(rounds, async ({ name, system }, round) => {
      const where = `${scenario}: ${rate}/s, round ${round + 1} of ${rounds}, ${name}`;
      reporter.progress(where);
      const onProgress = (deliveries: number) =>
        reporter.tick(`${where}, ${deliveries.toLocaleString('en')} deliveries`);
      const load = {
        receivers: clients * (system.nodes ?? 1),
        rate,
        seconds,
        warmUpSeconds,
        recordBytes,
        topology,
        onProgress,
      };
      const run = await measureDelivery(system, load, running);
      reporter.raw({
        scenario,
        rate,
        round,
        system: name,
        bare: system.bare,
        clients,
        recordBytes,
        topology,
        ...run,
      });
      if (!accountedFor(run))
        for (const reservation of run.measured.verdict.reservations)
          reporter.note(`${rate}/s, ${name}: ${reservation}`);
      return run;
    });
    const table = `${rate} messages/s × ${audienceText(clients, topology)}, ${recordBytes} bytes`;
    for (const turn of alternation.turns) reporter.row(table, deliveryCells(turn, alternation));
    measured.set(rate, alternation);
  }
  return measured;
}

/** Those that can be started here; a sentence for each of the others. */
export function installed<Sys extends Pick<System, 'missing'>>(
  systems: readonly Sys[],
  reporter: Reporter,
): Sys[] {
  return systems.filter((system) => {
    const missing = system.missing();
    if (missing !== null) reporter.note(missing);
    return missing === null;
  });
}

function audienceText(clients: number, { channels, perSubscriber }: Topology): string {
  if (channels === 1) return `${clients} subscribers`;
  return `${clients} subscribers, each in ${perSubscriber} of ${channels} channels`;
}
