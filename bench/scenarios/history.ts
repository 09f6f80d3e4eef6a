/**
 * `history`: what it costs that a channel has a history, beside the same publications in a channel that has none: CPU of
 * all nodes and of Redis together, for each publication.
 *
 * One subscriber hears everything, on the node that publishes or on another one.
 */
import type { Topology } from '../generator/topology.ts';
import { median } from '../report/median.ts';
import type { Reporter } from '../report/reporter.ts';
import type { Running } from '../systems/running.ts';
import type { Alternation, Turn } from './alternation.ts';
import { addBars, type Figure, cpu } from './bars.ts';
import type { Delivery } from './delivery.ts';
import { type SweepOptions, sweep } from './sweep.ts';

/** CPU of a publication in a channel with history, as a multiple of one without. */
const maxCpuRatio = 2;
/** The bar is about this many publications a second. */
const decisiveRate = 10_000;

const redisCpu = ({ aroundMicrosPerDelivery }: Delivery) => aroundMicrosPerDelivery.Redis ?? Number.NaN;
const together = (run: Delivery) => run.cpuMicrosPerDelivery + redisCpu(run);

export interface HistoryOptions extends Omit<SweepOptions, 'clients'> {
  /** Numbers of channels, one after the other. */
  channels: readonly number[];
}

export async function history(
  { channels: counts, ...options }: HistoryOptions,
  running: Running,
  reporter: Reporter,
): Promise<void> {
  for (const channels of counts) {
    const topology: Topology = { channels, perSubscriber: channels, popularity: 'even' };
    const sweeping = { ...options, clients: 1 };
    const measured = await sweep(`history, ${channels} channels`, topology, sweeping, running, reporter);
    for (const [rate, alternation] of measured) {
      for (const turn of alternation.turns) addRow(rate, channels, turn, alternation, reporter);
      const figure: Figure = {
        ...cpu,
        what: `CPU of nodes and Redis per publication in ${channels} channels`,
        of: together,
      };
      const kept = alternation.turns.filter(({ system: { name, bare } }) => name !== bare);
      const promises = kept.map(({ name, system: { bare: against } }) => ({
        ...{ ours: name, against, figure, limit: maxCpuRatio },
      }));
      if (rate === decisiveRate) addBars(rate, promises, alternation, reporter);
    }
  }
}

function addRow(
  rate: number,
  channels: number,
  turn: Turn,
  alternation: Alternation<Delivery>,
  reporter: Reporter,
): void {
  const of = (pick: (run: Delivery) => number, digits: number) =>
    alternation.median(turn, pick).toFixed(digits);
  const { bare } = turn.system;
  const times = (pick: (run: Delivery) => number) => alternation.compare(turn, pick).ratio.toFixed(2);
  const p50s = alternation.runsOf(turn.name).map(({ measured }) => measured.latency.p50);
  reporter.row(`${rate}/s in ${channels} channels: CPU per publication`, {
    system: turn.name,
    'Redis µs': of(redisCpu, 1),
    'nodes µs': of(cpu.of, 1),
    'together µs': of(together, 1),
    [`× ${bare.split(',')[0]}`]: times(together),
    'Redis ×': times(redisCpu),
    'commands each': of(
      ({ counted, measured }) => (counted.redisCommands ?? Number.NaN) / measured.published,
      2,
    ),
    'p50 ms': median(p50s).toFixed(1),
  });
}
