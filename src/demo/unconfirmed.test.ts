import { beforeEach, expect, test } from 'vitest';
import { Unconfirmed } from './unconfirmed.js';

let unconfirmed: Unconfirmed;

beforeEach(() => {
  unconfirmed = new Unconfirmed();
});

test('an echo confirms a message and tells the round trip', () => {
  unconfirmed.add('Ada: hi', 1_000);
  expect(unconfirmed.confirm('Ada: hi', 1_012.5)).toBe(12.5);
  expect(unconfirmed.messages).toEqual([]);
});

test('an echo confirms one message only, the oldest of its text', () => {
  unconfirmed.add('Ada: hi', 1_000);
  unconfirmed.add('Ada: hi', 1_500);
  expect(unconfirmed.confirm('Ada: hi', 2_000)).toBe(1_000);
  expect(unconfirmed.confirm('Ada: hi', 2_000)).toBe(500);
  expect(unconfirmed.confirm('Ada: hi', 2_000)).toBeNull();
});

test('echoes may come in any order', () => {
  for (const message of ['a', 'b', 'c']) unconfirmed.add(message, 0);
  expect(unconfirmed.confirm('b', 1)).toBe(1);
  expect(unconfirmed.messages).toEqual(['a', 'c']);
});

test('what others say confirms nothing', () => {
  unconfirmed.add('Ada: hi', 0);
  expect(unconfirmed.confirm('Bob: hi', 1)).toBeNull();
  expect(unconfirmed.messages).toEqual(['Ada: hi']);
});

test('it is full at a hundred, and has room again with the next echo', () => {
  for (let i = 0; i < 100; i += 1) {
    expect(unconfirmed.full).toBe(false);
    unconfirmed.add(`${i}`, 0);
  }
  expect(unconfirmed.full).toBe(true);
  unconfirmed.confirm('50', 1);
  expect(unconfirmed.full).toBe(false);
});

test('giving up returns what was lost, oldest first, and forgets it', () => {
  for (const message of ['a', 'b', 'c']) unconfirmed.add(message, 0);
  unconfirmed.confirm('b', 1);
  expect(unconfirmed.giveUp()).toEqual(['a', 'c']);
  expect([unconfirmed.messages, unconfirmed.full, unconfirmed.giveUp()]).toEqual([[], false, []]);
});
