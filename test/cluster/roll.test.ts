/**
 * `npm run cluster -- roll`: every node is replaced, one after the other, and nobody who listens to a history misses anything.
 */
import { afterEach, expect, it } from 'vitest';
import { Ledger } from '../support/ledger.ts';
import { TestClient } from '../support/client.ts';
import { TestCluster } from '../support/cluster.ts';

const ends: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

it('replaces all nodes under load, and no listener loses, doubles or is told of anything missing', async () => {
  const cluster = new TestCluster(['--nodes', '2'], { OUTCRY_NAMESPACES: '{"kept":{"historySize":10000}}' });
  ends.push(() => cluster.stop());
  await cluster.ready();
  const [url = ''] = cluster.part('haproxy').addresses;
  const before = ['node-1', 'node-2'].map((name) => cluster.part(name).pid);

  const raw = await TestClient.open(`${url}/raw/plain`);
  const ledger = await Ledger.open(url, 'kept:ledger', 20);
  ends.push(() => ledger.close());
  ledger.speak(10);
  const { code, lines } = await cluster.roll();
  expect(code, lines.join('\n')).toBe(0);
  await ledger.settle();

  // Each listener was on one of the two, and moved once or twice.
  expect(ledger.sum).toEqual({ lost: 0, doubled: 0, gaps: 0, moved: expect.any(Number) });
  expect(ledger.sum.moved).toBeGreaterThanOrEqual(20);
  expect(new Set(ledger.accounts.flatMap(({ codes }) => codes))).toEqual(new Set([1001]));
  expect(ledger.published).toBeGreaterThan(100);
  expect(await raw.closed).toEqual({ code: 1001, reason: expect.stringContaining('retryAfterMs') });

  const pids = lines.flatMap((line) => /back, as process (\d+)/.exec(line)?.[1] ?? []).map(Number);
  expect(pids).toHaveLength(2);
  for (const pid of pids) expect(before).not.toContain(pid);
  expect(lines[0]).toBe('node-1: told to leave');
}, 60_000);

it('says so when there is no cluster to roll', async () => {
  const { code, lines } = await TestCluster.order(['roll', '--port', '1']);
  expect([code, lines]).toEqual([2, [expect.stringContaining('no cluster runs on port 1')]]);
});
