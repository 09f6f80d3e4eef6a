import { beforeEach, expect, test } from 'vitest';
import { BusyChannels, type CountedRoom } from './busy-channels.ts';

let busy: BusyChannels<CountedRoom>;

beforeEach(() => {
  busy = new BusyChannels();
});

const room = (channel: string, subscribers = 1): CountedRoom => ({ channel, subscribers, counted: 0 });

test('nothing is counted before somebody asks', () => {
  const a = room('a');
  busy.add(a, 5);
  expect(a.counted).toBe(0);
  expect(busy.take(10)).toEqual([]);
});

test('the busiest come first, with what they said since the last time', () => {
  const [a, b, c] = [room('a'), room('b', 7), room('c')];
  busy.take(2);
  for (const [each, publications] of [
    [a, 1],
    [b, 1],
    [c, 2],
    [b, 5],
  ] as const)
    busy.add(each, publications);
  expect(busy.take(2)).toEqual([
    { channel: 'b', publications: 6, subscribers: 7 },
    { channel: 'c', publications: 2, subscribers: 1 },
  ]);
  busy.add(a, 3);
  expect(busy.take(2)).toEqual([{ channel: 'a', publications: 3, subscribers: 1 }]);
  expect(busy.take(2)).toEqual([]);
});

test('of many it finds the same as sorting does', () => {
  const rooms = Array.from({ length: 1_000 }, (_, i) => room(`c${i}`));
  busy.take(1);
  for (const [i, each] of rooms.entries()) busy.add(each, ((i * 7_919) % 1_000) + 1);
  const counts = busy.take(20).map(({ publications }) => publications);
  expect(counts).toEqual(Array.from({ length: 20 }, (_, i) => 1_000 - i));
});

test('when nobody asks any more it forgets, and rooms are free to go', () => {
  const a = room('a');
  busy.take(1);
  busy.add(a, 5);
  busy.stop();
  expect(a.counted).toBe(0);
  busy.add(a, 5);
  expect(a.counted).toBe(0);
  busy.take(1);
  busy.add(a, 2);
  expect(busy.take(1)).toEqual([{ channel: 'a', publications: 2, subscribers: 1 }]);
});
