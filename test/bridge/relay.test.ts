/**
 * The relay of a host as somebody meets it who does not do what a worker does, and what it leaves of its socket.
 */
import { once } from 'node:events';
import { existsSync, mkdtempSync, renameSync, rmSync, statSync } from 'node:fs';
import { connect, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import type { BrokerEvents } from '../../src/bridge/broker.ts';
import { LocalUpstream } from '../../src/bridge/local-upstream.ts';
import { QuietLog } from '../../src/bridge/quiet-log.ts';
import { Relay } from '../../src/bridge/relay.ts';
import { RelayConnection } from '../../src/bridge/relay-connection.ts';
import { systemClock } from '../../src/clock.ts';
import { RelayMetrics } from '../../src/metrics/relay-metrics.ts';
import { relayFrame, relayVersion, toRelay } from '../../src/protocol/relay-frame.ts';
import { until } from '../support/until.ts';

const silent = { debug() {}, info() {}, warn() {}, error() {} };
const maxBytesWaiting = 1_048_576;
let path: string;
let metrics: RelayMetrics;
beforeEach(() => {
  const folder = mkdtempSync(join(tmpdir(), 'outcry-test-'));
  path = join(folder, 'relay.sock');
  metrics = new RelayMetrics();
  onTestFinished(() => rmSync(folder, { recursive: true }));
});

async function startRelay(): Promise<Relay> {
  const relay = await Relay.start({
    ...{ path, maxBytesWaiting, clock: systemClock, metrics },
    upstreams: new LocalUpstream(null, 'beats').alone(),
    log: new QuietLog(silent, systemClock),
  });
  onTestFinished(() => relay.stop());
  return relay;
}

async function peer(): Promise<Socket> {
  const socket = connect(path);
  socket.on('error', () => {});
  onTestFinished(() => void socket.destroy());
  await once(socket, 'connect');
  return socket;
}

/** A worker's end, as far as it is the connection; resolves when it is ready. */
async function worker(bootId: string, events: Partial<BrokerEvents> = {}): Promise<RelayConnection> {
  const connection = new RelayConnection({
    ...{ path, role: 'bridge' as const, bootId, commandTimeoutMs: 2_000, clock: systemClock },
    ...{ onReady() {}, onLost() {}, onError() {}, onMessage() {}, ...events },
  });
  onTestFinished(() => connection.end());
  await until(
    () => connection.ready,
    (ready) => ready,
  );
  return connection;
}

const hello = relayFrame(toRelay.hello, relayVersion, 'bridge', 'boot', '');

describe('whoever is no worker', () => {
  it.each([
    ['garbage', [Buffer.from('GET / HTTP/1.1\r\n\r\n')]],
    ['a command before its hello', [relayFrame(toRelay.publish, 1, 'a', Buffer.from('x'))]],
    ['a hello of another version', [relayFrame(toRelay.hello, 99, 'bridge', 'boot', '')]],
    ['an unknown role', [relayFrame(toRelay.hello, relayVersion, 'master', 'boot', '')]],
    ['a second hello', [hello, hello]],
    ['an unknown command', [hello, relayFrame(77, 1)]],
    ['a command of the wrong form', [hello, relayFrame(toRelay.publish, 1, 5, null)]],
    ['a command without a number', [hello, relayFrame(toRelay.identify, 'x')]],
  ])('and sends %s is cut off, counted, and harms nobody', async (_, sent) => {
    await startRelay();
    const other = await worker('other');
    const socket = await peer();
    for (const bytes of sent) socket.write(bytes);
    await once(socket.resume(), 'close');
    expect(metrics.connectionsClosed.values.malformed).toBe(1);
    expect((await other.identify()).role).toBe('master');
  });

  it('and says nothing is cut off after a while', async () => {
    await startRelay();
    await once((await peer()).resume(), 'close');
    expect(metrics.connectionsClosed.values.silent).toBe(1);
  });

  it('and asks for a script that is none of ours is refused', async () => {
    await startRelay();
    const script = { source: 'return 1', sha1: 'e0e1f9fabfc9d4800c877a703b823ac0578ff8db' };
    await expect((await worker('b')).run(script, [], [])).rejects.toMatchObject({ name: 'ReplyError' });
    expect(metrics.commandsFailed.values.refused).toBe(1);
  });
});

it('cuts off a worker that does not take what is sent to it, and only that one', async () => {
  await startRelay();
  const stuck = await peer();
  stuck.pause();
  stuck.write(Buffer.concat([hello, relayFrame(toRelay.subscribe, 1, 'feed')]));
  let heard = 0;
  const listening = await worker('listening', {
    onMessage: () => {
      heard += 1;
    },
  });
  await listening.subscribe(['feed']);
  const publisher = await worker('publisher');
  const frame = Buffer.alloc(65_536);
  for (let sent = 1; sent <= 100; sent += 1) await publisher.publish('feed', frame);
  await until(
    () => [heard, metrics.connectionsClosed.values.overflow],
    ([all, closed]) => all === 100 && closed === 1,
    { what: '100 frames, and an overflow' },
  );
});

it('rejects everything that was under way when it ends, and is found again when it is back', async () => {
  const relay = await startRelay();
  const told: string[] = [];
  const connection = await worker('b', {
    onReady: () => told.push('ready'),
    onLost: () => told.push('lost'),
  });
  const first = (await connection.identify()).runId;
  await relay.stop();
  await until(
    () => told.at(-1),
    (last) => last === 'lost',
  );
  await expect(connection.publish('a', Buffer.from('x'))).rejects.toThrow();
  await startRelay();
  await until(
    () => connection.ready,
    (ready) => ready,
  );
  expect(told).toEqual(['ready', 'lost', 'ready']);
  expect((await connection.identify()).runId).not.toBe(first);
});

it('takes the place of a socket that a killed one left, and not that of one that lives', async () => {
  const left = createServer();
  await new Promise<void>((resolve) => left.listen(path, resolve));
  await expect(startRelay()).rejects.toThrow('another relay listens');
  // What a killed process leaves: the file, and nobody behind it.
  const moved = `${path}.moved`;
  renameSync(path, moved);
  await new Promise((resolve) => left.close(resolve));
  renameSync(moved, path);
  expect(existsSync(path)).toBe(true);
  await startRelay();
  expect(statSync(path).mode & 0o777).toBe(0o600);
});

it('gives up a relay that accepts connections and says nothing', async () => {
  const frozen = createServer((socket) => socket.on('error', () => {}));
  await new Promise<void>((resolve) => frozen.listen(path, resolve));
  onTestFinished(() => void frozen.close());
  const errors: string[] = [];
  const connection = new RelayConnection({
    ...{ path, role: 'bridge' as const, bootId: 'b', commandTimeoutMs: 2_000, clock: systemClock },
    ...{ onReady() {}, onLost() {}, onMessage() {}, onError: (message) => errors.push(message) },
  });
  onTestFinished(() => connection.end());
  await until(
    () => errors,
    (seen) => seen.some((message) => message.includes('says nothing')),
  );
});
