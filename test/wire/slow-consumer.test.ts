/**
 * A member that does not read: terminated at its limit and counted, never left open with a hole in its stream; the
 * others notice nothing.
 */
import { afterEach, expect, it } from 'vitest';
import { TestClient } from '../support/client.ts';
import { NativeClient } from '../support/native-client.ts';
import { startNode, type TestNode } from '../support/node.ts';
import { openRaw } from '../support/raw-peer.ts';
import { until } from '../support/until.ts';

let node: TestNode;
afterEach(() => node.stop());

const slowClosed = 'outcry_connections_closed_total{reason="slow_consumer"}';

/** Far more than the limit and what both kernels buffer on loopback (about 6 MB) together. */
const messages = 4_000;
const messageBytes = 5_000;

async function speak(speaker: TestClient, count: number): Promise<void> {
  for (let i = 0; i < count; i += 1) {
    speaker.send(String(i).padStart(messageBytes, '0'));
    expect(Number(await speaker.text())).toBe(i);
  }
}

it('terminates a member that does not read, and the others get everything', async () => {
  node = await startNode();
  const paused = await openRaw(node.port);
  paused.socket.pause();
  const [speaker, listener] = await Promise.all([TestClient.open(node.url), TestClient.open(node.url)]);
  await speak(speaker, messages);
  for (let i = 0; i < messages; i += 1) expect(Number(await listener.text())).toBe(i);
  await node.untilMetric(slowClosed, 1);
  expect(await node.metric('outcry_connections_open')).toBe(2);

  // What the kernel still held comes, without a hole, and then the end: no message after a loss.
  paused.socket.resume();
  let next = 0;
  for (;;) {
    const got = await paused.frame().catch(() => null);
    if (got === null) break;
    expect(got.opcode).toBe(1);
    expect(Number(got.payload.toString())).toBe(next);
    next += 1;
  }
  expect(next).toBeGreaterThan(0);
  expect(next).toBeLessThan(messages);
  await paused.closed;
  await Promise.all([speaker.close(), listener.close()]);
});

it('does so too when the flood comes in bursts of one turn each', async () => {
  node = await startNode();
  const paused = await openRaw(node.port);
  paused.socket.pause();
  const speaker = await TestClient.open(node.url);
  const burst = 80; // What a node reads in one go from one socket.
  for (let sent = 0; sent < messages; sent += burst) {
    for (let i = sent; i < sent + burst; i += 1) speaker.send(String(i).padStart(messageBytes, '0'));
    for (let i = sent; i < sent + burst; i += 1) expect(Number(await speaker.text())).toBe(i);
  }
  await node.untilMetric(slowClosed, 1);
  paused.destroy();
  await speaker.close();
});

it('leaves a member alone that is slow but keeps up in the end', async () => {
  node = await startNode();
  const late = await openRaw(node.port);
  late.socket.pause();
  const speaker = await TestClient.open(node.url);
  // Fits into the kernel's buffers and the limit together.
  const few = 600;
  await speak(speaker, few);
  late.socket.resume();
  for (let i = 0; i < few; i += 1) expect(Number((await late.frame()).payload.toString())).toBe(i);
  expect(await node.metric(slowClosed)).toBe(0);
  expect(await node.metric('outcry_connections_open')).toBe(2);
  late.destroy();
  await speaker.close();
});

it('gives the memory of slow members back', async () => {
  node = await startNode();
  const speaker = await TestClient.open(node.url);
  await speak(speaker, 200);
  const before = await node.residentBytes();
  const paused = await Promise.all(Array.from({ length: 40 }, () => openRaw(node.port)));
  for (const peer of paused) peer.socket.pause();
  await speak(speaker, messages);
  await node.untilMetric(slowClosed, paused.length);
  // The runtime gives it back when it next looks.
  await until(
    () => node.residentBytes(),
    (bytes) => bytes < before + 40 * 1_048_576,
    { what: 'memory given back' },
  );
  for (const peer of paused) peer.destroy();
  await speaker.close();
});

it('terminates a member for whom few bytes wait, but for too long', async () => {
  node = await startNode([
    ...['--slow-consumer-timeout-ms', '1500', '--backpressure-limit-bytes', '67108864'],
    ...['--idle-timeout-ms', '600000'],
  ]);
  const paused = await openRaw(node.port);
  paused.socket.pause();
  const speaker = await TestClient.open(node.url);
  // More than both kernels take, and far less than the limit.
  await speak(speaker, 3_000);
  await node.untilMetric(slowClosed, 1);
  expect(await node.metric('outcry_slow_consumers_cut_off_total')).toBe(0);
  paused.destroy();
  speaker.send('still here');
  expect(await speaker.text()).toBe('still here');
  await speaker.close();
});

it('terminates one who never reads his answers, though nothing is broadcast', async () => {
  node = await startNode([
    ...['--slow-consumer-timeout-ms', '500', '--backpressure-limit-bytes', '67108864'],
    // Visits every two seconds find him, and would end him themselves at the third.
    ...['--idle-timeout-ms', '6000'],
  ]);
  const native = await NativeClient.connect(node.url, 'outcry.v1.json');
  native.client.socket.pause();
  // About 15 MB of answers: more than both kernels take, and far less than the limit.
  for (let frames = 0; frames < 3_000; frames += 1)
    native.say(...Array.from({ length: 100 }, (_, id) => ({ type: 'ping', id })));
  await node.untilMetric(slowClosed, 1);
  native.client.socket.terminate();
});
