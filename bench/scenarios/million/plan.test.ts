import { describe, expect, test } from 'vitest';
import { type MillionMachine, planMillion } from './plan.ts';

/** On which everything fits. */
const roomy: MillionMachine = {
  descriptorLimit: 20_000,
  allDescriptors: 10_000_000,
  availableBytes: 200e9,
  portsPerPair: 28_232,
  tracked: null,
};

describe('a plan for very many connections', () => {
  test('has as many processes as the descriptors of each demand', () => {
    expect(planMillion(1_000_000, null, roomy)).toMatchObject({
      ...{ workers: 57, crowdProcesses: 51, proxies: 0, refusals: [] },
    });
    expect(planMillion(10_000, null, roomy)).toMatchObject({ workers: 1, crowdProcesses: 1 });
    expect(planMillion(10_000, null, roomy, 4)).toMatchObject({ workers: 4 });
    expect(planMillion(1_000_000, null, { ...roomy, descriptorLimit: 1_048_576 })).toMatchObject({
      ...{ workers: 18, crowdProcesses: 16 },
    });
  });

  test('gives HAProxy two descriptors for each', () => {
    expect(planMillion(100_000, 'haproxy', roomy)).toMatchObject({ proxies: 12, refusals: [] });
  });

  test('refuses what does not fit into memory, and says what would', () => {
    const plan = planMillion(1_000_000, null, { ...roomy, availableBytes: 12e9 });
    expect(plan.refusals).toEqual([
      expect.stringMatching(
        /^about \d+\.\d GB would be needed.* and 10\.5 GB may be taken: --clients \d+000 /,
      ),
    ]);
    const [, less] = /--clients (\d+)/.exec(plan.refusals[0] as string) as unknown as [string, string];
    expect(planMillion(Number(less), null, { ...roomy, availableBytes: 12e9 }).refusals).toEqual([]);
  });

  test('refuses when nothing is left', () => {
    expect(planMillion(5_000, null, { ...roomy, availableBytes: 1e9 }).refusals).toEqual([
      expect.stringContaining('0.0 GB may be taken: end something else first'),
    ]);
  });

  test('refuses what a small limit of descriptors would make of it', () => {
    expect(planMillion(1_000_000, null, { ...roomy, descriptorLimit: 1_024 }).refusals).toEqual([
      expect.stringMatching(
        /^a process may have 1024 descriptors, so \d+ processes would be needed.*ulimit -n/,
      ),
    ]);
  });

  test('counts the descriptors of both ends, and four with a proxy between', () => {
    const machine = { ...roomy, allDescriptors: 2_466_174 };
    expect(planMillion(1_000_000, null, machine).refusals).toEqual([]);
    expect(planMillion(1_000_000, 'haproxy-l4', machine).refusals).toEqual([
      expect.stringContaining('sysctl -w fs.file-max=8000000'),
    ]);
  });

  test('refuses what a firewall would drop that tracks connections', () => {
    const tracking = { ...roomy, tracked: { now: 5, most: 262_144 } };
    expect(planMillion(300_000, null, tracking).refusals).toEqual([
      expect.stringContaining('nf_conntrack_max=600000'),
    ]);
    // Nothing is tracked although there are connections: no rule asks for it.
    expect(planMillion(300_000, null, { ...roomy, tracked: { now: 0, most: 262_144 } }).refusals).toEqual([]);
  });

  test('refuses what has too few ports between proxy and workers', () => {
    expect(planMillion(8_000, 'haproxy', { ...roomy, portsPerPair: 7_000 }).refusals).toEqual([
      expect.stringContaining('each HAProxy needs 8000 ports towards the workers, and there are 7000'),
    ]);
  });
});
