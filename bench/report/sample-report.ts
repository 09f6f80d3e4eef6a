/**
 * A small report of `fanout` for the tests: two loads, two rounds, one system beside the bare publish.
 */
import type { Status } from '../generator/verdict.ts';
import type { Raw, Report } from './report.ts';

export interface SampleRun {
  system: string;
  rate?: number;
  round?: number;
  p99?: number;
  cpu?: number;
  status?: Status;
  lagP99?: number;
}

function sampleRun(run: SampleRun): Raw {
  const { system, rate = 100, round = 0, p99 = 10, cpu = 2, status = 'ok', lagP99 = 0.5 } = run;
  return {
    ...{ scenario: 'fanout', rate, round, system, bare: 'bare-bun', command: `start ${system}` },
    cpuMicrosPerDelivery: cpu,
    residentBytes: 50e6,
    measured: {
      deliveriesPerSecond: rate * 1_000,
      latency: { p50: p99 / 2, p90: p99 / 1.2, p99, p999: p99 * 1.5, max: p99 * 2 },
      scheduleLag: { p99: lagP99 },
      verdict: { status, reservations: [] },
    },
  };
}

export function sampleReport(runs: readonly SampleRun[], changes: Partial<Report> = {}): Report {
  return {
    command: 'npm run bench -- fanout',
    startedAt: '2026-03-14T09:26:20.000Z',
    machine: { cpu: 'A <fast> one', cores: 2, memoryBytes: 2 ** 34, kernel: '6.1' },
    versions: { Bun: '1.4.5' },
    tables: {
      '100 messages/s': [
        { system: 'bare-bun', p99: '10.0', verdict: 'ok' },
        { system: 'outcry-bun', p99: '9.0', verdict: 'generator-bound 1/2' },
      ],
      bars: [
        { bar: 'p99 at most 1 × bare', figure: '0.900', 'A/A': '±3.0 %', outcome: 'met' },
        { bar: 'CPU at most 1 × bare', figure: '1.900', 'A/A': '±3.0 %', outcome: 'missed' },
      ],
    },
    notes: ['a note & more'],
    raw: runs.map(sampleRun),
    ...changes,
  };
}

/** Every system once in each round, at one rate; the second run of the bare one is `apart` from the first. */
export function alternated(
  systems: Readonly<Record<string, Partial<SampleRun>>>,
  { rate = 100, rounds = 2, apart = 0.04 } = {},
): SampleRun[] {
  return Array.from({ length: rounds }, (_, round) =>
    Object.entries(systems).flatMap(([system, run]) => {
      const first = { rate, round, system, ...run };
      if (system !== 'bare-bun') return [first];
      const { p99 = 10, cpu = 2 } = run;
      return [first, { ...first, system: 'bare-bun again', p99: p99 * (1 + apart), cpu: cpu * (1 + apart) }];
    }),
  ).flat();
}
