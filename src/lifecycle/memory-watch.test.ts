import { beforeEach, describe, expect, test } from 'vitest';
import { FakeClock } from '../../test/support/fake-clock.ts';
import { Metrics } from '../metrics/metrics.ts';
import { MemoryWatch } from './memory-watch.ts';

let clock: FakeClock;
let metrics: Metrics;
let resident: number;
let shed: number[];
let watch: MemoryWatch;
beforeEach(() => {
  clock = new FakeClock();
  metrics = new Metrics();
  resident = 600;
  shed = [];
  watch = new MemoryWatch({
    limitBytes: 1_000,
    residentBytes: () => resident,
    shed: (bytes) => void shed.push(bytes),
    clock,
    metrics,
    logger: { warn() {}, info() {} } as never,
  });
});

function at(bytes: number): number {
  resident = bytes;
  clock.advance(250);
  expect([watch.refusesNewcomers, watch.sparesReads]).toEqual([
    metrics.memoryStage.value >= 1,
    metrics.memoryStage.value >= 2,
  ]);
  return metrics.memoryStage.value;
}

describe('the watch over memory', () => {
  test('sheds in stages, and takes each back a little below where it began', () => {
    expect([799, 800, 899, 900, 999].map(at)).toEqual([0, 1, 1, 2, 2]);
    expect(shed).toEqual([]);
    expect(at(1_000)).toBe(3);
    expect(shed).toEqual([100]);
    expect([950, 949, 850, 849, 750, 749].map(at)).toEqual([3, 2, 2, 1, 1, 0]);
    expect(shed).toEqual([100]);
  });

  test('looks seldom while there is plenty', () => {
    expect(at(499)).toBe(0);
    resident = 1_000;
    clock.advance(999);
    expect(metrics.memoryStage.value).toBe(0);
    clock.advance(1);
    expect(metrics.memoryStage.value).toBe(3);
  });

  test('goes on shedding while it is over the limit, and may jump to it and back', () => {
    expect([at(2_000), at(2_000), at(10)]).toEqual([3, 3, 0]);
    expect(shed).toEqual([100, 100]);
  });

  test('ends', () => {
    watch.stop();
    expect(at(2_000)).toBe(0);
  });
});
