import { beforeEach, describe, expect, test } from 'vitest';
import { FakeClock } from '../../test/support/fake-clock.ts';
import { type Markable, QuietMarks } from './quiet-marks.ts';

let clock: FakeClock;
let marked: string[];
let marks: QuietMarks<Named>;

interface Named extends Markable {
  name: string;
}

const channel = (name: string): Named => ({ name, publishedAtTick: 0 });

beforeEach(() => {
  clock = new FakeClock();
  marked = [];
  marks = new QuietMarks(clock, ({ name }) => marked.push(name));
});

describe('a channel that falls quiet', () => {
  test('is marked after about a second and again after about five, and then no more', () => {
    marks.published(channel('left'));
    clock.advance(400);
    expect(marked).toEqual([]);
    clock.advance(800);
    expect(marked).toEqual(['left']);
    clock.advance(3_000);
    expect(marked).toEqual(['left']);
    clock.advance(1_300);
    expect(marked).toEqual(['left', 'left']);
    clock.advance(60_000);
    expect(marked).toEqual(['left', 'left']);
    expect(clock.timers).toBe(0);
  });

  test('is not marked while it speaks', () => {
    const left = channel('left');
    for (let spoken = 0; spoken < 100; spoken += 1) {
      marks.published(left);
      clock.advance(300);
    }
    expect(marked).toEqual([]);
    clock.advance(1_000);
    expect(marked).toEqual(['left']);
  });

  test('waits on its own, whatever others do', () => {
    const [left, right] = [channel('left'), channel('right')];
    marks.published(left);
    clock.advance(1_000);
    marks.published(right);
    clock.advance(1_000);
    expect(marked).toEqual(['left', 'right']);
  });

  test('is not marked once it is gone', () => {
    const left = channel('left');
    marks.published(left);
    marks.forget(left);
    clock.advance(10_000);
    expect(marked).toEqual([]);
    expect(clock.timers).toBe(0);
  });
});

test('nothing waits and no timer runs after the stop', () => {
  marks.published(channel('left'));
  marks.stop();
  expect(clock.timers).toBe(0);
});
