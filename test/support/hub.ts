/**
 * A hub with everything that a test does not give: what it sends goes nowhere, nobody watches it, and an error fails the test.
 */
import { expect } from 'vitest';
import { Hub, type HubOptions } from '../../src/channel/hub.ts';

export function newHub(options: Pick<HubOptions, 'clock' | 'metrics'> & Partial<HubOptions>): Hub {
  return new Hub({
    publishToTopic: () => 'sent',
    onPressure() {},
    onRawGap() {},
    watch: { opened() {}, closed() {} },
    onError: (error) => expect.fail(String(error)),
    maxDelayMs: () => 20,
    compresses: () => false,
    namespaceOf: () => 'default',
    ...options,
  });
}
