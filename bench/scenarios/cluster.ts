/**
 * `cluster`: what it costs that there are other nodes, and something in front of them. Each node has as many subscribers as
 * the one node that it is compared with, and all hear the same publisher.
 */
import { oneChannel } from '../generator/topology.ts';
import { median } from '../report/median.ts';
import type { Reporter } from '../report/reporter.ts';
import { bareBehindHaproxy, oneNode } from '../systems/clusters.ts';
import type { Running } from '../systems/running.ts';
import type { Alternation, Turn } from './alternation.ts';
import { addBars, cpu, type Figure, p50, perCpuSecond } from './bars.ts';
import type { Delivery } from './delivery.ts';
import { type SweepOptions, sweep } from './sweep.ts';

/** Messages a second at which two nodes are compared with one, and HAProxy with HAProxy. */
const nodeRates = [500, 15_000];
const haproxyRate = 500;

const haproxyCpu: Figure = {
  ...cpu,
  what: 'HAProxy CPU per delivery',
  of: ({ aroundMicrosPerDelivery }) => aroundMicrosPerDelivery.HAProxy ?? Number.NaN,
};

export async function cluster(options: SweepOptions, running: Running, reporter: Reporter): Promise<void> {
  const measured = await sweep('cluster', oneChannel, options, running, reporter);
  for (const [rate, alternation] of measured) {
    for (const turn of alternation.turns) addRow(rate, turn, alternation, reporter);
    if (nodeRates.includes(rate))
      addBars(
        rate,
        [{ ours: 'two', against: oneNode, figure: perCpuSecond, limit: 0.9, atLeast: true }],
        alternation,
        reporter,
      );
    if (rate === haproxyRate)
      addBars(
        rate,
        [{ ours: 'one-l7', against: bareBehindHaproxy, figure: haproxyCpu, limit: 0.65 }],
        alternation,
        reporter,
      );
  }
}

function addRow(rate: number, turn: Turn, alternation: Alternation<Delivery>, reporter: Reporter): void {
  const of = (pick: (run: Delivery) => number, digits: number) => {
    const figure = alternation.median(turn, pick);
    return Number.isNaN(figure) ? '–' : figure.toFixed(digits);
  };
  const one = alternation.runsOf(oneNode).map(p50.of);
  const added = alternation.runsOf(turn.name).map((run, round) => p50.of(run) - (one[round] ?? Number.NaN));
  const addedMs = median(added);
  reporter.row(`${rate} messages/s: what stands around the nodes`, {
    system: turn.name,
    'added p50 ms': Number.isNaN(addedMs) ? '–' : addedMs.toFixed(1),
    'Redis commands per publication': of(
      ({ counted, measured }) => (counted.redisCommands ?? Number.NaN) / measured.published,
      2,
    ),
    'Redis µs per delivery': of(
      ({ aroundMicrosPerDelivery }) => aroundMicrosPerDelivery.Redis ?? Number.NaN,
      3,
    ),
    'HAProxy µs per delivery': of(haproxyCpu.of, 3),
  });
}
