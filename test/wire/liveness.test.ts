/**
 * Liveness counts what arrives from a peer, never what we send to it.
 */
import { afterEach, expect, it } from 'vitest';
import { TestClient } from '../support/client.ts';
import { startNode, type TestNode } from '../support/node.ts';
import { openRaw } from '../support/raw-peer.ts';

let node: TestNode;
afterEach(() => node.stop());

const timedOut = 'outcry_connections_closed_total{reason="liveness_timeout"}';

it('terminates a peer that answers no ping, although it is published to all the time', async () => {
  node = await startNode(['--idle-timeout-ms', '900']);
  const speaker = await TestClient.open(node.url);
  // A raw peer reads, so nothing backs up, but never answers a ping.
  const mute = await openRaw(node.port);
  const talk = setInterval(() => speaker.send('tick'), 20);
  await mute.closed;
  clearInterval(talk);
  expect(await node.metric(timedOut)).toBe(1);
  expect(await node.metric('outcry_connections_open')).toBe(1);
  await speaker.close();
});

it('keeps a peer that only listens, as long as it answers pings', async () => {
  node = await startNode(['--idle-timeout-ms', '600']);
  const listener = await TestClient.open(node.url);
  for (let pings = 0; pings < 4; pings += 1)
    await new Promise((resolve) => listener.socket.once('ping', resolve));
  expect(await node.metric(timedOut)).toBe(0);
  expect(await node.metric('outcry_connections_open')).toBe(1);
  await listener.close();
});

it('condemns nobody after the node itself stood still', async () => {
  node = await startNode(['--idle-timeout-ms', '900']);
  const listener = await TestClient.open(node.url);
  await new Promise((resolve) => listener.socket.once('ping', resolve));
  node.freeze();
  await new Promise((resolve) => setTimeout(resolve, 2_000)); // The stall itself; nothing is awaited by it.
  node.thaw();
  for (let pings = 0; pings < 2; pings += 1)
    await new Promise((resolve) => listener.socket.once('ping', resolve));
  expect(await node.metric(timedOut)).toBe(0);
  await listener.close();
});
