import { beforeEach, describe, expect, test } from 'vitest';
import { FakeClock } from '../../test/support/fake-clock.ts';
import { Pacer, waitBeforeFlush } from './pacer.ts';

describe('the rule', () => {
  const idle = { now: 1_000, lastEndedAt: 0, lastCostMs: 8, deadline: 1_020 };

  test.each([
    ['a node that has rested does not wait', idle, 1, 0],
    ['a node that has never flushed does not wait', { ...idle, lastEndedAt: Number.NEGATIVE_INFINITY }, 1, 0],
    ['a turn that cost 8 ms is followed by 8 ms of rest', { ...idle, lastEndedAt: 1_000 }, 1, 8],
    ['of which 5 ms are over', { ...idle, lastEndedAt: 995 }, 1, 3],
    ['twice as long with factor 2', { ...idle, lastEndedAt: 1_000 }, 2, 16],
    ['not at all with factor 0', { ...idle, lastEndedAt: 1_000 }, 0, 0],
    ['never beyond the deadline', { ...idle, lastEndedAt: 1_000, deadline: 1_005 }, 1, 5],
    ['not at all when the deadline has passed', { ...idle, lastEndedAt: 1_000, deadline: 999 }, 1, 0],
    ['not for less than a timer can wait', { ...idle, lastEndedAt: 1_000, lastCostMs: 0.4 }, 1, 0],
  ])('%s', (_what, state, factor, wait) => {
    expect(waitBeforeFlush(state, factor)).toBe(wait);
  });
});

describe('the pacer', () => {
  let clock: FakeClock;
  let flushes: number[];
  let costs: number[];
  let pacer: Pacer;
  let start: number;

  beforeEach(() => {
    clock = new FakeClock();
    start = clock.now();
    flushes = [];
    costs = [];
    pacer = new Pacer(
      clock,
      () => flushes.push(clock.now() - start),
      (costMs) => costs.push(costMs),
      1,
    );
  });

  /** The turn that flushes is over, and cost this much. */
  function turn(costMs: number): void {
    clock.endTurn();
    clock.advance(costMs);
    clock.endTurn();
  }

  test('flushes a lone publication at the end of its turn', () => {
    pacer.pending(20);
    expect(flushes).toEqual([]);
    clock.endTurn();
    expect(flushes).toEqual([0]);
  });

  test('flushes everything of a turn once', () => {
    for (let published = 0; published < 10; published += 1) pacer.pending(20);
    clock.endTurn();
    expect(flushes).toEqual([0]);
  });

  test('waits after a turn as long as it cost', () => {
    pacer.pending(20);
    turn(6);
    pacer.pending(20);
    clock.endTurn();
    expect(flushes).toEqual([0]);
    expect(costs).toEqual([6]);
    clock.advance(6);
    clock.endTurn();
    expect(flushes).toEqual([0, 12]);
  });

  test('counts what a turn cost that a timer began', () => {
    pacer.pending(20);
    turn(6);
    pacer.pending(20);
    clock.advance(6);
    turn(4);
    pacer.pending(20);
    clock.advance(3);
    clock.endTurn();
    expect(flushes).toEqual([0, 12]);
    clock.advance(1);
    clock.endTurn();
    expect(flushes).toEqual([0, 12, 20]);
  });

  test('takes what came while a turn was under way with the next', () => {
    pacer.pending(20);
    clock.endTurn();
    clock.advance(2);
    pacer.pending(20);
    clock.advance(4);
    clock.endTurn();
    expect(flushes).toEqual([0]);
    clock.advance(6);
    clock.endTurn();
    expect(flushes).toEqual([0, 12]);
  });

  test('lets nothing wait beyond its deadline', () => {
    pacer.pending(20);
    turn(100);
    pacer.pending(20);
    clock.advance(20);
    clock.endTurn();
    expect(flushes).toEqual([0, 120]);
  });

  test('hurries for a publication with an earlier deadline than those before it', () => {
    pacer.pending(20);
    turn(100);
    pacer.pending(20);
    clock.advance(3);
    pacer.pending(5);
    clock.advance(5);
    clock.endTurn();
    expect(flushes).toEqual([0, 108]);
  });

  test('flushes at the end of the turn for one that may not wait at all', () => {
    pacer.pending(20);
    turn(100);
    pacer.pending(20);
    pacer.pending(0);
    clock.endTurn();
    expect(flushes).toEqual([0, 100]);
    clock.endTurn();
    clock.advance(1_000);
    expect(flushes).toEqual([0, 100]);
  });

  test('owes nothing for a rest that is over', () => {
    pacer.pending(20);
    turn(6);
    clock.advance(50);
    pacer.pending(20);
    clock.endTurn();
    expect(flushes).toEqual([0, 56]);
  });

  test('plans nothing while nothing is pending', () => {
    pacer.pending(20);
    turn(6);
    clock.advance(1_000);
    clock.endTurn();
    expect(flushes).toEqual([0]);
    expect(clock.timers).toBe(0);
  });

  test('flushes no more once it is stopped', () => {
    pacer.pending(20);
    turn(6);
    pacer.pending(20);
    pacer.stop();
    clock.advance(100);
    clock.endTurn();
    expect(flushes).toEqual([0]);
    expect(clock.timers).toBe(0);
  });
});
