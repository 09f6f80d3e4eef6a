/**
 * A broadcaster with everything real around it but what a test gives, and the keys that it remembers.
 */
import { InProcessBridge } from '../../src/bridge/in-process-bridge.ts';
import { Broadcaster, type BroadcasterOptions, type KeyFate } from '../../src/broadcaster.ts';
import { IdempotencyKeys } from '../../src/channel/idempotency-keys.ts';
import { Metrics } from '../../src/metrics/metrics.ts';
import { FakeClock } from './fake-clock.ts';

export function newBroadcaster(
  options: Pick<BroadcasterOptions, 'hub'> & Partial<BroadcasterOptions>,
): Broadcaster {
  const keys = new IdempotencyKeys<KeyFate>({ clock: new FakeClock(), windowMs: 300_000, maxKeys: 100 });
  return new Broadcaster({
    ...{ bridge: new InProcessBridge(), sequencing: null, keys, metrics: new Metrics() },
    ...{ announcements: { degraded() {} }, ...options },
  });
}
