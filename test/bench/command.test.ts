/**
 * The command around the scenarios: that it leaves nothing behind, and refuses what it cannot do.
 */
import { existsSync } from 'node:fs';
import { expect, test } from 'vitest';
import { startBench } from '../support/bench.ts';
import { descendantsOf } from '../support/descendants.ts';
import { until } from '../support/until.ts';

test.concurrent.each(['SIGINT', 'SIGTERM'] as const)(
  'a benchmark that is interrupted by %s leaves nothing running',
  async (signal) => {
    const run = startBench(
      ...['fanout', '--clients', '10', '--rate', '50', '--seconds', '600', '--systems', 'outcry-bun'],
    );
    // bun.mjs, the benchmark, the server, the receiver, the publisher.
    const processes = await until(
      () => [run.pid, ...descendantsOf(run.pid)],
      (pids) => pids.length >= 5,
      { what: 'a benchmark of five processes' },
    );
    run.signal(signal);
    expect(await run.exited, run.text()).toBe(signal === 'SIGINT' ? 130 : 143);
    await until(
      () => processes.filter((pid) => existsSync(`/proc/${pid}`)),
      (left) => left.length === 0,
      { what: 'the end of every process' },
    );
  },
);

test.concurrent('a system that does not exist is refused with the names of those that do', async () => {
  const run = startBench('fanout', '--systems', 'bare-bun,nginx');
  expect(await run.exited).toBe(1);
  expect(run.text()).toContain('no system nginx; there are bare-bun,');
});
