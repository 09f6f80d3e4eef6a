import { beforeEach, expect, test } from 'vitest';
import { FakeClock } from '../../test/support/fake-clock.ts';
import { TimeLimit, TimeOver } from './time-limit.ts';

let clock: FakeClock;
let limit: TimeLimit;
beforeEach(() => {
  clock = new FakeClock();
  limit = new TimeLimit(clock, 'too late');
});

const never = new Promise<string>(() => {});
/** What it has come to so far. */
async function stateOf(promise: Promise<unknown>): Promise<unknown> {
  const settled = promise.then(
    (value) => value,
    (error) => error,
  );
  await Promise.resolve();
  return await Promise.race([settled, new Promise((resolve) => setImmediate(resolve, 'waits'))]);
}

test('what settles in time settles as it would', async () => {
  const deadline = clock.now() + 100;
  const error = new Error('its own');
  expect(await limit.until(deadline, Promise.resolve('done'))).toBe('done');
  await expect(limit.until(deadline, Promise.reject(error))).rejects.toBe(error);
  clock.advance(200);
  expect(clock.timers).toBe(0);
});

test('what does not is given up at its time, whatever the order', async () => {
  const start = clock.now();
  const waits = [300, 100, 200].map((ms) => limit.until(start + ms, never));
  const states = () => Promise.all(waits.map(stateOf));
  expect(clock.timers).toBe(1);
  clock.advance(99);
  expect(await states()).toEqual(['waits', 'waits', 'waits']);
  clock.advance(1);
  expect(await states()).toEqual(['waits', expect.any(TimeOver), 'waits']);
  clock.advance(100);
  expect(await states()).toEqual(['waits', expect.any(TimeOver), expect.any(TimeOver)]);
  clock.advance(100);
  expect(await states()).toEqual([expect.any(TimeOver), expect.any(TimeOver), expect.any(TimeOver)]);
  expect(clock.timers).toBe(0);
});

test('what settles after it was given up is ignored', async () => {
  let settle = (_: string) => {};
  const late = limit.until(clock.now(), new Promise<string>((resolve) => (settle = resolve)));
  const rejected = expect(late).rejects.toThrow('too late');
  clock.advance(0);
  settle('late');
  await rejected;
});

test('a thousand that wait have one timer', () => {
  for (let i = 0; i < 1_000; i += 1) limit.until(clock.now() + 100 + i, never).catch(() => {});
  expect(clock.timers).toBe(1);
  clock.advance(2_000);
  expect(clock.timers).toBe(0);
});
