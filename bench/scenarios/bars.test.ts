import { expect, test } from 'vitest';
import { Reporter } from '../report/reporter.ts';
import type { System } from '../systems/system.ts';
import { Alternation } from './alternation.ts';
import { addBars, addKeepsUpBar, addWindowBars, cpu, p99, perCpuSecond } from './bars.ts';
import type { Delivery } from './delivery.ts';

type Status = Delivery['measured']['verdict']['status'];

interface Figures {
  cpu: number;
  p99: number;
  status?: Status;
}

function delivery({ cpu: micros, p99, status = 'ok' }: Figures): Delivery {
  return {
    cpuMicrosPerDelivery: micros,
    deliveriesPerCpuSecond: 1e6 / micros,
    measured: { latency: { p99 }, scheduleLag: { p99: 1 }, verdict: { status, reservations: [] } },
  } as unknown as Delivery;
}

/** Rounds of these systems, one unless more are given. */
async function measured(...rounds: Record<string, Figures>[]): Promise<Alternation<Delivery>> {
  const systems = Object.keys(rounds[0] as Record<string, Figures>).map(
    (name): System => ({
      ...{ name, bare: 'bare', manyChannels: false },
      missing: () => null,
      start: () => Promise.reject(new Error('nobody starts it')),
    }),
  );
  const alternation = new Alternation<Delivery>(systems);
  await alternation.run(rounds.length, async ({ system }, round) =>
    delivery(rounds[round]?.[system.name] as Figures),
  );
  return alternation;
}

/** The outcomes of the bars that were added. */
function outcomes(add: (reporter: Reporter) => void): string[] {
  const reporter = new Reporter('a test');
  add(reporter);
  return reporter.rowsOf('bars').map(({ outcome }) => outcome as string);
}

const bare = { cpu: 2, p99: 20 };

test('a promise about a system that was not measured is left out', async () => {
  const alternation = await measured({ bare, ours: { cpu: 1, p99: 20 } });
  const promised = { ours: 'ours', figure: cpu, limit: 0.65 };
  expect(
    outcomes((reporter) =>
      addBars(
        500,
        [
          { ...promised, against: 'bare' },
          { ...promised, against: 'nats' },
        ],
        alternation,
        reporter,
      ),
    ),
  ).toEqual(['met']);
});

test('rounds with a run that does not count are left out, if five others remain', async () => {
  const promised = { ours: 'ours', against: 'bare', figure: p99, limit: 1 };
  const calm = { bare, ours: { cpu: 1, p99: 10 } };
  const disturbed = { bare, ours: { cpu: 1, p99: 90, status: 'generator-bound' as const } };
  const decide = async (...rounds: Record<string, Figures>[]) => {
    const alternation = await measured(...rounds);
    return outcomes((reporter) => addBars(500, [promised], alternation, reporter));
  };
  expect(await decide(...Array(5).fill(calm), disturbed, disturbed)).toEqual(['met']);
  expect(await decide(...Array(4).fill(calm), disturbed, disturbed)).toEqual(['undecided']);
  expect(await decide(...Array(4).fill(calm))).toEqual(['met']);
});

test('a rival that falls behind is rated by what it delivered, ours must have kept up', async () => {
  const promised = { ours: 'ours', against: 'bare', figure: perCpuSecond, limit: 5, atLeast: true };
  const decide = async (status: Status) => {
    const alternation = await measured({
      bare: { ...bare, status: 'behind' },
      ours: { cpu: 0.3, p99: 40, status },
    });
    return outcomes((reporter) => addBars(15_000, [promised], alternation, reporter));
  };
  expect(await decide('generator-bound')).toEqual(['met']);
  expect(await decide('behind')).toEqual(['undecided']);
});

test.each<[string, Figures, string]>([
  ['better in nothing', { cpu: 1.2, p99: 35 }, 'met'],
  ['better in latency', { cpu: 1.2, p99: 10 }, 'met'],
  ['better in CPU', { cpu: 0.5, p99: 35 }, 'met'],
  ['better in both', { cpu: 0.5, p99: 10 }, 'missed'],
])('a window that is %s', async (_, window, outcome) => {
  const alternation = await measured({ bare, ours: { cpu: 1, p99: 20 }, window });
  expect(outcomes((reporter) => addWindowBars(500, 'ours', ['window'], alternation, reporter))).toEqual([
    outcome,
  ]);
});

test.each<[Figures, string]>([
  [{ cpu: 1, p99: 59 }, 'met'],
  [{ cpu: 1, p99: 61 }, 'missed'],
  [{ cpu: 1, p99: 59, status: 'behind' }, 'missed'],
  [{ cpu: 1, p99: 59, status: 'generator-bound' }, 'undecided'],
])('keeping up within 60 ms with %j is %s', async (ours, outcome) => {
  const alternation = await measured({ bare, ours });
  expect(outcomes((reporter) => addKeepsUpBar(10_000, 'ours', 60, alternation, reporter))).toEqual([outcome]);
});
