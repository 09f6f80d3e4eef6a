/**
 * A node that is replaced: its clients leave one by one, raw and native ones alike, each with its own time to come back.
 */
import { afterEach, describe, expect, it } from 'vitest';
import { NativeClient } from '../support/native-client.ts';
import { TestClient } from '../support/client.ts';
import { startNode, type TestNode } from '../support/node.ts';

const clientCount = 200;
const delayMs = 1_000;
const windowMs = 2_000;

let tested: TestNode | null = null;
afterEach(() => tested?.stop());

describe('a node with a window to drain', () => {
  it('takes newcomers until load balancers have seen it, then closes everybody evenly, and exits', async () => {
    tested = await startNode(['--drain-delay-ms', `${delayMs}`, '--drain-window-ms', `${windowMs}`]);
    const { url } = tested;
    const clients = await Promise.all(
      Array.from({ length: clientCount }, (_, at) =>
        at % 2 === 0
          ? TestClient.open(url)
          : NativeClient.connect(url, 'outcry.v1.json').then(({ client }) => client),
      ),
    );
    tested.signal('SIGTERM');
    await tested.untilReady(404);
    const notReadyAt = performance.now();
    expect(await tested.metric('outcry_drain_phase')).toBe(1);
    const late = await TestClient.open(url);
    const closings = await Promise.all(
      [...clients, late].map(async ({ closed }) => ({ ...(await closed), at: performance.now() })),
    );
    expect(await tested.exited).toBe(0);
    const exitMs = performance.now() - notReadyAt;
    // One second is the bar; the rest is for a machine that is busy.
    expect(exitMs).toBeLessThan(delayMs + windowMs + 1_000 + 1_000);

    expect(new Set(closings.map(({ code }) => code))).toEqual(new Set([1001]));
    const retries = closings.map(({ reason }) => JSON.parse(reason).retryAfterMs as number);
    expect(Math.max(...retries)).toBeLessThan(500);
    expect(new Set(retries).size).toBeGreaterThan(50);
    const times = closings.map(({ at }) => at).sort((a, b) => a - b);
    const first = times[0] as number;
    const spreadMs = (times.at(-1) as number) - first;
    expect(first - notReadyAt).toBeGreaterThan(delayMs * 0.6);
    expect(spreadMs).toBeGreaterThan(windowMs * 0.7);
    // Half of the time, half of the clients; exactly so in the unit test.
    const half = times.filter((at) => at < first + spreadMs / 2).length;
    expect(half / times.length).toBeGreaterThan(0.3);
    expect(half / times.length).toBeLessThan(0.7);
    const waves = tested.logs.map((line) => JSON.parse(line)).filter(({ wave }) => wave !== undefined);
    expect(waves.at(-1)).toMatchObject({ wave: 10, waves: 10, open: 0, behind: 0 });
    expect(waves.reduce((sum, { closed }) => sum + closed, 0)).toBe(clientCount + 1);
  });
});
