import { describe, expect, test } from 'vitest';
import { Schedule } from './schedule.ts';

describe('the schedule', () => {
  test('is open: what is due does not depend on when it is asked for', () => {
    const schedule = new Schedule(1_000, 100, 1);
    expect(schedule.dueAt(0)).toBe(1_000);
    expect(schedule.dueAt(1)).toBe(1_010);
    schedule.take(1_500);
    expect(schedule.dueAt(99)).toBe(1_990);
  });

  test('gives nothing before its time', () => {
    expect(new Schedule(1_000, 100, 1).take(999.9)).toEqual({ from: 0, count: 0 });
  });

  test('gives each record once', () => {
    const schedule = new Schedule(0, 1_000, 1);
    expect(schedule.take(0)).toEqual({ from: 0, count: 1 });
    expect(schedule.take(0.5)).toEqual({ from: 1, count: 0 });
    expect(schedule.take(3)).toEqual({ from: 1, count: 3 });
  });

  test('gives everything that a stall has held up, each with the time at which it was due', () => {
    const schedule = new Schedule(0, 100, 1);
    schedule.take(0);
    expect(schedule.take(505)).toEqual({ from: 1, count: 50 });
    expect(schedule.dueAt(1)).toBe(10);
  });

  test('ends with the last record and not before', () => {
    const schedule = new Schedule(0, 100, 0.5);
    expect(schedule.total).toBe(50);
    schedule.take(489);
    expect(schedule.finished).toBe(false);
    expect(schedule.take(10_000)).toEqual({ from: 49, count: 1 });
    expect(schedule.finished).toBe(true);
  });
});
