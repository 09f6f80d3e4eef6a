import { beforeEach, expect, test } from 'vitest';
import { FakeClock } from '../../test/support/fake-clock.ts';
import { Histogram } from '../metrics/counter.ts';
import { Publication } from './publication.ts';
import { WriteLatency } from './write-latency.ts';

let clock: FakeClock;
let wallTime: number;
let latency: WriteLatency;
let histogram: Histogram;

beforeEach(() => {
  clock = new FakeClock();
  wallTime = 1_000_000;
  latency = new WriteLatency(clock, () => wallTime);
  histogram = named();
});

const named = () => new Histogram('x_seconds', 'X.', [0.001, 0.01, 0.1]);

const taken = (...times: number[]) => times.map((time) => Publication.text('x', time));

test('a publication is as old as it is at the end of the turn that wrote it', () => {
  latency.handedOver(histogram, taken(999_998));
  wallTime += 7;
  expect(histogram.counts).toEqual([0, 0, 0, 0]);
  clock.endTurn();
  expect(histogram.counts).toEqual([0, 1, 0, 0]);
  expect(histogram.sum).toBeCloseTo(0.009);
});

test('many of one turn are each as old as they are, those of the same millisecond too', () => {
  latency.handedOver(histogram, taken(999_900, 999_980, 999_980, 999_980, 999_999));
  latency.handedOver(histogram, taken(999_500));
  clock.endTurn();
  expect(histogram.counts).toEqual([1, 0, 4, 1]);
  expect(histogram.sum).toBeCloseTo(0.1 + 3 * 0.02 + 0.001 + 0.5);
});

test('each namespace has its own, turn after turn', () => {
  const other = named();
  for (let turn = 0; turn < 3; turn += 1) {
    latency.handedOver(histogram, taken(wallTime));
    latency.handedOver(other, taken(wallTime - 50));
    latency.handedOver(histogram, taken(wallTime - 5));
    clock.endTurn();
  }
  expect(histogram.counts).toEqual([3, 3, 0, 0]);
  expect(other.counts).toEqual([0, 0, 3, 0]);
});

test('one whose clock is ahead is not older than new', () => {
  latency.handedOver(histogram, taken(wallTime + 60_000));
  clock.endTurn();
  expect(histogram.counts).toEqual([1, 0, 0, 0]);
  expect(histogram.sum).toBe(0);
});

test('more than it keeps in a turn is judged before its end, and each once', () => {
  const many = taken(...Array.from({ length: 30_000 }, () => wallTime - 5));
  for (let i = 0; i < 5; i += 1) latency.handedOver(histogram, many);
  clock.endTurn();
  clock.endTurn();
  expect(histogram.counts).toEqual([0, 150_000, 0, 0]);
});
