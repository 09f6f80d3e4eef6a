/**
 * The history that the relay of a host keeps, asked through its Unix socket: what every history promises.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { LocalUpstream } from '../../src/bridge/local-upstream.ts';
import { QuietLog } from '../../src/bridge/quiet-log.ts';
import { Relay } from '../../src/bridge/relay.ts';
import { RelayConnection } from '../../src/bridge/relay-connection.ts';
import { systemClock } from '../../src/clock.ts';
import { KeptHistory } from '../../src/history/kept-history.ts';
import { MemoryHistory } from '../../src/history/memory-history.ts';
import { RelayHistory } from '../../src/history/relay-history.ts';
import { Metrics } from '../../src/metrics/metrics.ts';
import { RelayMetrics } from '../../src/metrics/relay-metrics.ts';
import { until } from '../support/until.ts';
import { describeHistory } from './history.suite.ts';

const cluster = { prefix: 'outcry', shards: 4 };
const silent = { debug() {}, info() {}, warn() {}, error() {} };

describeHistory(async (retention, receive) => {
  const folder = mkdtempSync(join(tmpdir(), 'outcry-test-'));
  const path = join(folder, 'relay.sock');
  const { history: kept } = new Metrics();
  const memory = new MemoryHistory({
    ...{ retention, clock: systemClock, metrics: kept },
    ...{ maxBytes: 1e9, maxChannels: 1_000, maxIdempotencyKeys: 1_000 },
  });
  const relay = await Relay.start({
    ...{ path, maxBytesWaiting: 1e8, clock: systemClock, metrics: new RelayMetrics() },
    upstreams: new LocalUpstream(new KeptHistory(memory, cluster), 'beats').alone(),
    log: new QuietLog(silent, systemClock),
  });
  const dial = (role: 'bridge' | 'history', onMessage: (channel: string, bytes: Buffer) => void = () => {}) =>
    new RelayConnection({
      ...{ path, role, bootId: 'b', commandTimeoutMs: 5_000, clock: systemClock },
      ...{ onMessage, onReady() {}, onLost() {}, onError() {} },
    });
  const history = new RelayHistory({
    ...cluster,
    ...{ retention, maxBytesInFlight: 1e8, metrics: new Metrics().history, onTrouble() {} },
    dial: () => link,
  });
  const link = dial('history');
  const channels = Array.from({ length: cluster.shards }, (_, shard) => history.pubsubChannel(shard));
  const ears = dial('bridge', (channel, bytes) => void history.frame(channels.indexOf(channel), bytes));
  history.start(receive);
  await until(
    () => link.ready && ears.ready,
    (ready) => ready,
  );
  await ears.subscribe(channels);
  onTestFinished(async () => {
    ears.end();
    await history.stop();
    await relay.stop();
    rmSync(folder, { recursive: true });
  });
  return { history, pass: (ms) => new Promise((resolve) => setTimeout(resolve, ms)) };
});
