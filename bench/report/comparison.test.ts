import { describe, expect, test } from 'vitest';
import { type ComparedFigure, compareReports, verdictOf } from './comparison.ts';
import { alternated, type SampleRun, sampleReport } from './sample-report.ts';

/** Of one run of `fanout` with these, and one with those. */
function compared(
  before: Record<string, Partial<SampleRun>>,
  after: Record<string, Partial<SampleRun>>,
  rounds = 2,
): (system: string, metric: string) => ComparedFigure {
  const report = (systems: Record<string, Partial<SampleRun>>) =>
    sampleReport(alternated(systems, { rounds }));
  const rows = compareReports(report(before), report(after));
  return (system, metric) => {
    const row = rows.find((each) => each.system === system && each.metric === metric);
    if (row === undefined) throw new Error(`no row for ${system}, ${metric}`);
    return row;
  };
}

describe('a comparison', () => {
  test('takes out what the bare publish changed meanwhile', () => {
    const row = compared(
      { 'bare-bun': { cpu: 2 }, 'outcry-bun': { cpu: 1 } },
      { 'bare-bun': { cpu: 3 }, 'outcry-bun': { cpu: 1.5 } },
    )('outcry-bun', 'CPU per delivery');
    expect(row).toMatchObject({ before: 1, after: 1.5, change: 0.5, bareChange: 0.5, load: '100/s' });
    expect(row.verdict).toBe('within the spread');
  });

  test('says what became better and what became worse, beyond the spread', () => {
    const row = compared(
      { 'bare-bun': {}, 'outcry-bun': { cpu: 1, p99: 10 } },
      { 'bare-bun': {}, 'outcry-bun': { cpu: 0.9, p99: 11 } },
    );
    expect(row('outcry-bun', 'CPU per delivery').verdict).toBe('better');
    expect(row('outcry-bun', 'p99').verdict).toBe('worse');
    expect(row('outcry-bun', 'p99').spread).toBeCloseTo(0.04);
    expect(row('outcry-bun', 'deliveries/s').verdict).toBe('within the spread');
  });

  test('compares the bare publish as it is, and does not list its second runs', () => {
    const row = compared({ 'bare-bun': { cpu: 2 } }, { 'bare-bun': { cpu: 4 } });
    expect(row('bare-bun', 'CPU per delivery')).toMatchObject({ change: 1, bareChange: Number.NaN });
    expect(row('bare-bun', 'CPU per delivery').verdict).toBe('worse');
    expect(() => row('bare-bun again', 'p99')).toThrow('no row');
  });

  test('decides nothing from runs that do not count for the metric', () => {
    const row = compared(
      { 'bare-bun': {}, 'outcry-bun': {} },
      { 'bare-bun': {}, 'outcry-bun': { cpu: 9, p99: 99, status: 'generator-bound' } },
    );
    expect(row('outcry-bun', 'p99').verdict).toBe('undecided');
    expect(row('outcry-bun', 'CPU per delivery').verdict).toBe('worse');
  });

  test('decides nothing where nothing is known of the spread', () => {
    const row = compared({ 'outcry-bun': { cpu: 1 } }, { 'outcry-bun': { cpu: 9 } }, 1);
    expect(row('outcry-bun', 'CPU per delivery').verdict).toBe('undecided');
  });

  test('takes rounds that lie far apart for the spread, if nothing bare ran', () => {
    const report = (cpus: number[]) =>
      sampleReport(cpus.map((cpu, round) => ({ system: 'outcry-bun', round, cpu })));
    const change = (before: number[], after: number[]) =>
      compareReports(report(before), report(after)).find(({ metric }) => metric === 'CPU per delivery');
    expect(change([1, 1.5, 2], [1, 1.5, 2])?.spread).toBeCloseTo(1 / 3);
    expect(change([1, 1.5, 2], [1, 1.9, 2])?.verdict).toBe('within the spread');
    expect(change([1.4, 1.5, 1.6], [1.8, 1.9, 2])?.verdict).toBe('worse');
  });

  test('refuses what has nothing in common', () => {
    const one = sampleReport([{ system: 'outcry-bun' }]);
    expect(() => compareReports(one, sampleReport([{ system: 'nats' }]))).toThrow('in common');
    const other = sampleReport([], { raw: [{ scenario: 'idle', system: 'outcry-bun' }] });
    expect(() => compareReports(one, other)).toThrow('fanout cannot be compared with idle');
  });
});

test.each([
  [-0.05, 'lower', 'better'],
  [-0.05, 'higher', 'worse'],
  [0.05, 'lower', 'worse'],
  [0.05, 'higher', 'better'],
  [0.03, 'lower', 'within the spread'],
  [Number.NaN, 'lower', 'undecided'],
] as const)('a change of %d where %s is better is %s', (change, better, verdict) => {
  expect(verdictOf({ change, bareChange: Number.NaN, spread: 0.04 }, better)).toBe(verdict);
});
