/**
 * `slow` and `reconnect`: what the others notice when some subscribers misbehave. In `slow` one in a hundred stops reading
 * and stays connected; in `reconnect` half of all leave and come back at once. Only the others' deliveries count.
 */
import type { Misbehaviour } from '../generator/messages.ts';
import type { Reporter } from '../report/reporter.ts';
import type { Running } from '../systems/running.ts';
import { Alternation, type Turn } from './alternation.ts';
import { type Delivery, deliveryCells, measureDelivery } from './delivery.ts';
import { installed, type SweepOptions } from './sweep.ts';

export interface MisbehavingOptions extends SweepOptions {
  how: Misbehaviour;
  /** Of all subscribers; at least one. */
  share: number;
}

export async function misbehaving(
  scenario: string,
  options: MisbehavingOptions,
  running: Running,
  reporter: Reporter,
): Promise<void> {
  const { clients, rates, recordBytes, rounds, seconds, warmUpSeconds, how, share } = options;
  const subscribers = Math.max(1, Math.round(clients * share));
  for (const rate of rates) {
    const alternation = new Alternation<Delivery>(installed(options.systems, reporter));
    await alternation.run(rounds, async ({ name, system }, round) => {
      reporter.progress(`${scenario}: ${rate}/s, round ${round + 1} of ${rounds}, ${name}`);
      const load = { receivers: clients, rate, seconds, warmUpSeconds, recordBytes };
      const run = await measureDelivery(system, { ...load, misbehaving: { subscribers, how } }, running);
      reporter.raw({ scenario, rate, round, system: name, clients, recordBytes, how, subscribers, ...run });
      for (const reservation of run.measured.verdict.reservations)
        reporter.note(`${rate}/s, ${name}: ${reservation}`);
      return run;
    });
    const table = `${rate} messages/s × ${clients - subscribers} subscribers, ${recordBytes} bytes; ${subscribers} others: ${how}`;
    for (const turn of alternation.turns)
      reporter.row(table, {
        ...deliveryCells(turn, alternation),
        ...misbehaviourCells(how, turn, alternation),
      });
  }
}

function misbehaviourCells(how: Misbehaviour, turn: Turn, alternation: Alternation<Delivery>) {
  const of = (pick: (run: Delivery) => number, digits: number) =>
    alternation.median(turn, pick).toFixed(digits);
  return how === 'reconnect'
    ? { 'all back after s': of(({ measured }) => measured.misbehaved?.seconds ?? Number.NaN, 2) }
    : { 'slow ones cut off': of(({ measured }) => measured.misbehaved?.closed ?? Number.NaN, 0) };
}
