import { beforeEach, describe, expect, test } from 'vitest';
import type { Bridge, Receive } from './bridge/bridge.ts';
import { Broadcaster } from './broadcaster.ts';
import type { Payload } from './channel/publication.ts';

let calls: [to: 'here' | 'elsewhere', channel: string, payload: Payload][];
let receive: Receive | null;
let broadcaster: Broadcaster;

beforeEach(() => {
  calls = [];
  receive = null;
  const bridge: Bridge = {
    start(given) {
      expect(receive).toBeNull();
      receive = given;
    },
    publish: (channel, payload) => void calls.push(['elsewhere', channel, payload]),
    stop: async () => {},
    state: 'connected',
    prepare: () => true,
    reaches: () => true,
    opened() {},
    closed() {},
  };
  broadcaster = new Broadcaster(
    { broadcast: (channel, payload) => void calls.push(['here', channel, payload]) },
    bridge,
  );
});

describe('publishing', () => {
  test('reaches this node once and the bridge once, in that order', () => {
    broadcaster.publish('left', 'hi');
    expect(calls).toEqual([
      ['here', 'left', 'hi'],
      ['elsewhere', 'left', 'hi'],
    ]);
  });

  test('hands binary on without a copy or a change', () => {
    const payload = new Uint8Array([0, 255]);
    broadcaster.publish('left', payload);
    expect(calls.map((call) => call[2] === payload)).toEqual([true, true]);
  });
});

describe('what the bridge receives', () => {
  test('is broadcast here and never sent back', () => {
    receive?.('right', 'from elsewhere');
    expect(calls).toEqual([['here', 'right', 'from elsewhere']]);
  });

  test('can arrive before anything was published here', () => {
    expect(receive).not.toBeNull();
  });
});
