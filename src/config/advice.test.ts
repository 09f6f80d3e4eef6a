import { describe, expect, test } from 'vitest';
import { advise } from './advice.ts';
import { type Settings, settingKeys, settingsTable } from './settings.ts';

const defaults = Object.fromEntries(settingKeys.map((key) => [key, settingsTable[key].default])) as Settings;
/** Settings and a machine about which there is nothing to say. */
const calm: Settings = { ...defaults, host: '127.0.0.1', maxConnections: 1_000 };
const feed = new Map([['default', { publish: 'api' as const }]]);
const machine = { descriptorLimit: 4_096, memoryBytes: 1_000 * calm.backpressureLimitBytes };

describe('advice', () => {
  test('is not given when everything fits', () => {
    expect(advise(calm, machine)).toEqual([]);
  });

  test('warns of more connections than descriptors', () => {
    const roomy = { ...machine, memoryBytes: 1e15 };
    expect(advise({ ...calm, maxConnections: 3_968 }, roomy)).toEqual([]);
    expect(advise({ ...calm, maxConnections: 3_969 }, roomy)).toEqual([
      expect.stringMatching(/^maxConnections is 3969, but only 3968 fit .* limit of 4096: raise it/),
    ]);
  });

  test('warns of a small descriptor limit and says what it is enough for', () => {
    expect(advise({ ...calm, maxConnections: null }, { ...machine, descriptorLimit: 1_024 })).toEqual([
      expect.stringMatching(/^the descriptor limit is 1024: this node can hold 896 connections; raise it/),
    ]);
  });

  test('warns of less memory than slow clients may take', () => {
    expect(advise(calm, { ...machine, memoryBytes: machine.memoryBytes - 1 })).toEqual([
      expect.stringMatching(/^if more than 999 of 1000 clients were slow at once, 1048576 bytes each/),
    ]);
  });

  test('counts as many connections as fit where no number is set', () => {
    expect(advise({ ...calm, maxConnections: null }, machine)).toEqual([
      expect.stringMatching(/^if more than 1000 of 3968 clients/),
    ]);
  });

  test('warns of pages of any origin once others can reach the node', () => {
    const reachable: Settings = { ...calm, host: '0.0.0.0', namespaces: feed };
    expect(advise(reachable, machine)).toEqual([expect.stringMatching(/^pages of any origin may connect/)]);
    expect(advise({ ...reachable, origins: ['https://example.com'] }, machine)).toEqual([]);
  });

  test('says what compression costs where it is on', () => {
    const packed = { ...calm, namespaces: new Map([['prices', { compress: true }]]) };
    expect(advise(packed, machine)).toEqual([
      expect.stringMatching(
        /^what is published in "prices" is compressed again for each subscriber: about 15 µs/,
      ),
    ]);
    expect(advise({ ...calm, namespaces: new Map([['prices', { compress: false }]]) }, machine)).toEqual([]);
  });

  test('warns where anyone may publish once others can reach the node', () => {
    const reachable: Settings = { ...calm, host: '0.0.0.0', origins: ['https://example.com'] };
    expect(advise(reachable, machine)).toEqual([
      'this address is public and anyone may publish in "default": set profile to feed, or publish to api in namespaces',
    ]);
    expect(advise({ ...reachable, profile: 'feed' }, machine)).toEqual([]);
    expect(advise({ ...reachable, namespaces: feed }, machine)).toEqual([]);
    const opened = (count: number) =>
      new Map(Array.from({ length: count }, (_, i) => [`n${i}`, { publish: 'anyone' as const }]));
    expect(advise({ ...reachable, profile: 'feed', namespaces: opened(1) }, machine)).toEqual([
      expect.stringContaining('anyone may publish in "n0":'),
    ]);
    expect(advise({ ...reachable, profile: 'feed', namespaces: opened(7) }, machine)).toEqual([
      expect.stringContaining('in "n0", "n1", "n2", "n3", "n4" and 2 more namespaces:'),
    ]);
  });
});
