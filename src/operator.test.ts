import { beforeEach, describe, expect, test } from 'vitest';
import type { Answers, ClusterNode } from './bridge/cluster.ts';
import type { Room } from './channel/room.ts';
import type { CloseCode } from './close-codes.ts';
import type { Connection } from './connection/connection.ts';
import { Metrics } from './metrics/metrics.ts';
import { Operator } from './operator.ts';
import type { Question } from './protocol/control.ts';

const counts = { connections: 2, channels: 1, subscriptions: 3 };
const right: ClusterNode = {
  nodeId: 'right',
  bootId: 'b',
  counts: { ...counts, state: 'stopping', viewers: 1 },
  lastBeatAgeMs: 10,
};
const page = { prefix: '', after: '', limit: 2 };

let asked: [Question, string | undefined][];
let answers: Answers;
let closed: CloseCode[];
let operator: Operator;
beforeEach(() => {
  asked = [];
  answers = { answers: [], complete: true };
  closed = [];
  const metrics = new Metrics();
  metrics.connectionsOpen.value = 1;
  metrics.subscriptionsOpen.value = 2;
  const rooms = ['chat', 'news'].map(
    (channel) => ({ channel, number: 1, sequence: 0, subscribers: 1 }) as Room,
  );
  const connection = { close: (code: CloseCode) => void closed.push(code) } as unknown as Connection;
  operator = new Operator({
    nodeId: 'left',
    bootId: 'a',
    hub: { channels: () => rooms, subscribers: (channel) => (channel === 'chat' ? 1 : 0) },
    connections: { find: (id) => (id === 'a-7' ? connection : null) },
    readiness: { state: 'ready' },
    history: { top: async () => ({ epoch: 'e', offset: 7 }) },
    keepsHistory: (channel) => channel === 'kept',
    metrics,
    cluster: {
      represent() {},
      nodes: () => [right],
      async ask(question, to) {
        asked.push([question, to]);
        return answers;
      },
    },
    bridge: { state: 'connected' },
  });
});

test('reports this node first, then the others', () => {
  expect(operator.nodes()).toEqual([
    {
      node: 'left',
      boot: 'a',
      state: 'ready',
      counts: { connections: 1, channels: 0, subscriptions: 2 },
      lastBeatAgeMs: 0,
    },
    { node: 'right', boot: 'b', state: 'stopping', counts, lastBeatAgeMs: 10 },
  ]);
});

test('adds up the subscribers of a channel', async () => {
  answers = { answers: [{ value: 4, channels: [] }], complete: false };
  expect(await operator.subscribers('chat')).toEqual({ value: 5, complete: false });
});

test('puts pages of channels together', async () => {
  answers = {
    answers: [
      {
        value: 0,
        channels: [
          { channel: 'a', subscribers: 1 },
          { channel: 'chat', subscribers: 2 },
        ],
      },
    ],
    complete: true,
  };
  expect(await operator.channels(page)).toEqual({
    value: [
      { channel: 'a', subscribers: 1 },
      { channel: 'chat', subscribers: 3 },
    ],
    complete: true,
  });
});

describe('the end of a connection', () => {
  test('is asked of nobody else when it is here', async () => {
    expect(await operator.disconnect('a-7', true)).toBe('disconnected');
    expect(await operator.disconnect('a-7', false)).toBe('disconnected');
    expect(closed.map(({ code }) => code)).toEqual([4002, 4502]);
    expect(await operator.disconnect('a-8', false)).toBe('not there');
    expect(asked).toEqual([]);
  });

  test('is asked of the node that has it', async () => {
    answers = { answers: [{ value: 1, channels: [] }], complete: true };
    expect(await operator.disconnect('b-1', true)).toBe('disconnected');
    expect(asked).toEqual([[{ type: 'disconnect', connection: 'b-1', comeBack: true }, 'b']]);
    answers = { answers: [{ value: 0, channels: [] }], complete: true };
    expect(await operator.disconnect('b-1', true)).toBe('not there');
    answers = { answers: [], complete: false };
    expect(await operator.disconnect('b-1', true)).toBe('unknown');
  });

  test.each(['', '-', 'c-1', '__proto__-1', 'a', '-1'])('is in vain for %j', async (id) => {
    expect(await operator.disconnect(id, false)).toBe('not there');
    expect(asked).toEqual([]);
  });
});

test('answers other nodes what it would say itself', () => {
  expect(operator.answer({ type: 'subscribers', channel: 'chat' })).toEqual({ value: 1, channels: [] });
  expect(operator.answer({ type: 'channels', ...page, after: 'chat' }).channels).toEqual([
    { channel: 'news', subscribers: 1 },
  ]);
  expect(operator.answer({ type: 'disconnect', connection: 'a-7', comeBack: false }).value).toBe(1);
  expect(operator.answer({ type: 'disconnect', connection: 'a-8', comeBack: false }).value).toBe(0);
});

test('a channel with history says where it stands', async () => {
  expect(await operator.position('kept')).toEqual({ epoch: 'e', offset: 7 });
  expect(await operator.position('chat')).toBeNull();
});
