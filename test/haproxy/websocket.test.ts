/**
 * WebSockets through HAProxy in both modes, with real nodes behind it.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TestClient } from '../support/client.ts';
import { startHaproxy, type TestHaproxy } from '../support/haproxy.ts';
import { startNode, type TestNode } from '../support/node.ts';

describe.each(['http', 'tcp'] as const)('in mode %s', (mode) => {
  let nodes: TestNode[];
  let haproxy: TestHaproxy;
  beforeAll(async () => {
    nodes = await Promise.all(
      ['left', 'right', 'third'].map((id) => startNode(['--node-id', id, '--max-payload-bytes', '65536'])),
    );
    haproxy = await startHaproxy({ mode, nodePorts: nodes.map(({ port }) => port) });
  });
  afterAll(async () => {
    await haproxy?.stop();
    await Promise.all(nodes?.map((node) => node.stop()) ?? []);
  });

  /** A client and the node that it is on. */
  interface Arrival {
    client: TestClient;
    node: string;
  }
  async function arrive(): Promise<Arrival> {
    const client = await TestClient.open(`${haproxy.url}/raw/room?hello=1`);
    return { client, node: JSON.parse(await client.text()).node };
  }

  it('hands text and binary through as they are, short and long, in order', async () => {
    const client = await TestClient.open(haproxy.url);
    const binary = Buffer.from(Array.from({ length: 60_000 }, (_, index) => index % 256));
    const texts = ['', "Hello! I'm client", 'žluťoučký 🐎 \u0000', 'x'.repeat(60_000)];
    for (const text of texts) client.send(text);
    client.send(binary);
    for (const text of texts) expect(await client.text()).toBe(text);
    expect(await client.next()).toEqual({ text: false, data: binary });

    for (let number = 0; number < 500; number += 1) client.send(`${number}`);
    for (let number = 0; number < 500; number += 1) expect(await client.text()).toBe(`${number}`);
    await client.close();
  });

  it('spreads newcomers evenly, and fills up where clients have left', async () => {
    const arrived: Arrival[] = [];
    for (let index = 0; index < 9; index += 1) arrived.push(await arrive());
    const count = (id: string) => arrived.filter(({ node }) => node === id).length;
    expect(['left', 'right', 'third'].map(count)).toEqual([3, 3, 3]);

    for (const { client, node } of arrived) if (node === 'left') await client.close();
    await haproxy.untilCurrent('node-1', 0);
    for (let index = 0; index < 3; index += 1) arrived.push(await arrive());
    expect(count('left')).toBe(6);
    await Promise.all(arrived.map(({ client }) => client.close()));
  });

  it('hands close codes through in both directions', async () => {
    const leaving = await TestClient.open(haproxy.url);
    leaving.socket.close(4001, 'enough');
    expect((await leaving.closed).code).toBe(4001);

    const loud = await TestClient.open(haproxy.url);
    loud.send('x'.repeat(65_537));
    expect((await loud.closed).code).toBe(1009);
  });

  it('gives newcomers to the others when a node is killed, and keeps theirs', async () => {
    const arrived: Arrival[] = [];
    for (let index = 0; index < 6; index += 1) arrived.push(await arrive());
    const hit = arrived.filter(({ node }) => node === 'third');
    const spared = arrived.filter(({ node }) => node !== 'third');
    expect(hit).toHaveLength(2);

    // The launcher's child is what listens; killing it is what an OOM killer would do.
    const listening = nodes[2]?.logs.map((line) => JSON.parse(line)).find(({ port }) => port);
    process.kill(listening.pid, 'SIGKILL');
    for (const { client } of hit) expect((await client.closed).code).toBe(1006);
    // The kernel closes the sockets of clients first and for a moment takes new ones, to reset them. In HTTP mode such a
    // request is asked again elsewhere; in TCP mode nobody kept it.
    if (mode === 'tcp') await nodes[2]?.exited;
    for (let index = 0; index < 6; index += 1) {
      const next = await arrive(); // A failed attempt would throw.
      expect(next.node).not.toBe('third');
      spared.push(next);
    }
    const [first] = spared;
    first?.client.send('still here');
    for (const { client, node } of spared)
      if (node === first?.node) expect(await client.text()).toBe('still here');
    await haproxy.untilStatus('node-3', 'DOWN');
    await Promise.all(spared.map(({ client }) => client.close()));
  });

  it('lets a node that stops say goodbye with 1001, and sends its clients elsewhere at once', async () => {
    const arrived: Arrival[] = [];
    for (let index = 0; index < 4; index += 1) arrived.push(await arrive());
    const told = arrived.filter(({ node }) => node === 'right');
    expect(told.length).toBeGreaterThan(0);
    nodes[1]?.signal('SIGTERM');
    for (const { client } of told) expect((await client.closed).code).toBe(1001);
    if (mode === 'tcp') await nodes[1]?.exited; // Here the refusal of a node that is stopping reaches the client.
    for (let index = 0; index < 4; index += 1) {
      const { client, node } = await arrive();
      expect(node).toBe('left');
      await client.close();
    }
    await Promise.all(arrived.map(({ client }) => client.close()));
  });
});
