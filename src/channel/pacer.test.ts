import { beforeEach, describe, expect, test } from 'vitest';
import { FakeClock } from '../../test/support/fake-clock.ts';
import { Pacer, waitAfterFlush } from './pacer.ts';

describe('the rule', () => {
  test.each([
    ['a turn that cost 8 ms is followed by 8 ms of rest', 8, 1_020, 1, 8],
    ['twice as long with factor 2', 8, 1_020, 2, 16],
    ['not at all with factor 0', 8, 1_020, 0, 0],
    ['never beyond the deadline', 8, 1_005, 1, 5],
    ['not at all when the deadline has passed', 8, 999, 1, 0],
    ['not for less than a timer can wait', 0.4, 1_020, 1, 0],
  ])('%s', (_what, costMs, deadline, factor, wait) => {
    expect(waitAfterFlush(1_000, costMs, deadline, factor)).toBe(wait);
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

  /** A turn that flushes, while which something else comes that may wait for `maxDelayMs`. */
  function busyTurn(costMs: number, maxDelayMs: number): void {
    pacer.pending(maxDelayMs);
    clock.endTurn();
    pacer.pending(maxDelayMs);
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

  test('makes what came during a turn wait as long as that cost', () => {
    busyTurn(6, 20);
    expect(flushes).toEqual([0]);
    expect(costs).toEqual([6]);
    clock.advance(6);
    clock.endTurn();
    expect(flushes).toEqual([0, 12]);
  });

  test('makes what comes to a node at rest wait for nothing, however much the last turn cost', () => {
    pacer.pending(20);
    turn(6);
    pacer.pending(20);
    clock.endTurn();
    expect(flushes).toEqual([0, 6]);
  });

  test('counts what a turn cost that a timer began', () => {
    busyTurn(6, 20);
    clock.advance(6);
    clock.endTurn();
    pacer.pending(20);
    clock.advance(4);
    clock.endTurn();
    clock.advance(3);
    clock.endTurn();
    expect(flushes).toEqual([0, 12]);
    clock.advance(1);
    clock.endTurn();
    expect(flushes).toEqual([0, 12, 20]);
  });

  test('lets nothing wait beyond its deadline', () => {
    busyTurn(15, 20);
    clock.advance(5);
    clock.endTurn();
    expect(flushes).toEqual([0, 20]);
  });

  test('hurries for a publication with an earlier deadline than those before it', () => {
    busyTurn(15, 1_000);
    clock.advance(3);
    pacer.pending(5);
    clock.advance(5);
    clock.endTurn();
    expect(flushes).toEqual([0, 23]);
  });

  test('flushes at the end of the turn for one that may not wait at all', () => {
    busyTurn(15, 20);
    pacer.pending(0);
    clock.endTurn();
    expect(flushes).toEqual([0, 15]);
    clock.endTurn();
    clock.advance(1_000);
    expect(flushes).toEqual([0, 15]);
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
    busyTurn(6, 20);
    pacer.stop();
    clock.advance(100);
    clock.endTurn();
    expect(flushes).toEqual([0]);
    expect(clock.timers).toBe(0);
  });
});
