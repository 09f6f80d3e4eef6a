/**
 * More clients come than a node takes: those who are there do not notice, the others are told when to come back.
 */
import { afterEach, describe, expect, it } from 'vitest';
import { arrive } from '../support/arrival.ts';
import { startNode, type TestNode } from '../support/node.ts';
import { handshakeBytes, RawPeer } from '../support/raw-peer.ts';
import { TestClient } from '../support/client.ts';

const perSecond = 50;
/** Five times as many as are taken. */
const stormSeconds = 2;
const stormSize = 5 * perSecond * stormSeconds;

let tested: TestNode | null = null;
afterEach(() => tested?.stop());

describe('a node that has no memory to spare', () => {
  it('refuses newcomers, which may find it elsewhere', async () => {
    tested = await startNode(['--memory-limit-bytes', '1048576']);
    const peer = new RawPeer(tested.port);
    peer.send(handshakeBytes());
    const head = await peer.head();
    expect([head.split(' ')[1], /^retry-after: 5\r$/im.test(head)]).toEqual(['503', true]);
    expect(await tested.metric('outcry_memory_stage')).toBe(3);
    expect(await tested.metric('outcry_handshakes_refused_total{reason="memory"}')).toBe(1);
  });
});

describe('a herd of newcomers', () => {
  it('is taken at the rate that is set, told when to come back otherwise, and felt by nobody else', async () => {
    tested = await startNode(['--max-handshakes-per-second', `${perSecond}`]);
    const { port, url } = tested;
    const resident = await TestClient.open(url);
    let echoes = 0;
    const talk = (async () => {
      while (echoes < 100) {
        resident.send(`${echoes}`);
        expect(await resident.text()).toBe(`${echoes}`);
        echoes += 1;
        await new Promise((resolve) => setTimeout(resolve, 10));
      }
    })();
    const kinds: Record<string, string>[] = [
      {},
      { Origin: 'https://example.com' },
      { 'Sec-WebSocket-Protocol': 'outcry.v1.json' },
    ];
    const startedAt = performance.now();
    const arrivals = [];
    for (let at = 0; at < stormSize; at += 1) {
      arrivals.push(arrive(port, kinds[at % kinds.length] ?? {}));
      if (at % 10 === 9)
        await new Promise((resolve) => setTimeout(resolve, (stormSeconds * 10_000) / stormSize));
    }
    const seconds = (performance.now() - startedAt) / 1_000;
    const all = await Promise.all(arrivals);
    await talk;

    const statuses = new Map<number, number>();
    for (const { status } of all) statuses.set(status, (statuses.get(status) ?? 0) + 1);
    expect([...statuses.keys()].sort()).toEqual([101, 1013, 503]);
    const welcome = statuses.get(101) ?? 0;
    expect(welcome).toBeGreaterThanOrEqual(perSecond - 1);
    expect(welcome).toBeLessThanOrEqual(perSecond * (1 + seconds) + 5);
    // Who cannot read a 503 is told, as far as these are not too many.
    expect(all.filter((_, at) => at % 3 === 0).every(({ status }) => status !== 1013)).toBe(true);
    const refused = all.filter(({ status }) => status !== 101);
    for (const { retryAfterMs } of refused) expect(retryAfterMs).toBeGreaterThanOrEqual(1_000);
    expect(await tested.metric('outcry_handshakes_refused_total{reason="busy"}')).toBe(refused.length);
    expect(await tested.metric('outcry_handshakes_told_total')).toBe(statuses.get(1013));
    await resident.close();
  });
});
