import { describe, expect, test } from 'vitest';
import { readClusterView, slotOf } from './cluster-slots.ts';

test.each([
  ['', 0],
  ['0', 13_907],
  ['1', 9_842],
  ['2', 5_649],
  ['63', 10_499],
  ['123456789', 12_739],
  ['user1000', 3_443],
  ['é', 10_180],
])('the slot of %j is %i', (tag, slot) => {
  expect(slotOf(tag)).toBe(slot);
});

describe('the view of a server', () => {
  const asked = { host: 'asked', port: 7_000 };
  const info =
    'cluster_state:ok\r\ncluster_slots_pfail:0\r\ncluster_slots_fail:0\r\ncluster_current_epoch:12\r\n';

  test('says who has which slots', () => {
    const slots = [
      [0, 5_460, ['10.0.0.1', 7_000, 'id', []], ['10.0.0.4', 7_003, 'id', []]],
      [5_461, 16_383, ['10.0.0.2', 7_001, 'id', []]],
    ];
    expect(readClusterView(slots, info, asked)).toEqual({
      slots: [
        { first: 0, last: 5_460, master: { host: '10.0.0.1', port: 7_000 } },
        { first: 5_461, last: 16_383, master: { host: '10.0.0.2', port: 7_001 } },
      ],
      hosts: [
        { host: '10.0.0.1', port: 7_000 },
        { host: '10.0.0.4', port: 7_003 },
        { host: '10.0.0.2', port: 7_001 },
      ],
      epoch: 12,
      decided: true,
    });
  });

  test.each([[null], ['']])('means the server that was asked by the host %j', (host) => {
    const { slots } = readClusterView([[0, 1, [host, 7_001, 'id']]], info, asked);
    expect(slots).toEqual([{ first: 0, last: 1, master: { host: 'asked', port: 7_001 } }]);
  });

  test('leaves out slots of which nobody knows where they are', () => {
    expect(
      readClusterView(
        [
          [0, 1, ['?', 7_001, 'id']],
          [2, 3],
        ],
        info,
        asked,
      ).slots,
    ).toEqual([]);
  });

  test('is not decided while a master is out of sight', () => {
    expect(readClusterView([], info.replace('pfail:0', 'pfail:5461'), asked).decided).toBe(false);
    expect(readClusterView([], '', asked).decided).toBe(false);
  });
});
