import { beforeEach, describe, expect, test } from 'vitest';
import { FakeClock } from '../../test/support/fake-clock.ts';
import { Metrics } from '../metrics/metrics.ts';
import { DescriptorWatch } from './descriptor-watch.ts';

let clock: FakeClock;
let metrics: Metrics;
let limit: number;
let open: number;
let bindable: boolean;
let calls: string[];
let spare: number;
let watch: DescriptorWatch;
beforeEach(() => {
  clock = new FakeClock();
  metrics = new Metrics();
  limit = 256;
  open = 10;
  bindable = true;
  calls = [];
  watch = begin();
});

function begin(): DescriptorWatch {
  return new DescriptorWatch({
    limit,
    inUse: () => open,
    spare: {
      hold(count) {
        spare = count;
      },
      release() {
        spare = 0;
      },
    },
    listener: {
      pause: () => void calls.push('pause'),
      resume() {
        calls.push('resume');
        return bindable;
      },
    },
    clock,
    metrics,
    logger: { warn() {}, info() {} } as never,
  });
}

function look(descriptors: number): readonly string[] {
  open = descriptors;
  clock.advance(100);
  return calls;
}

describe('the watch over descriptors', () => {
  test('closes the port before they run out, once, and opens it when there are enough again', () => {
    expect([look(224), spare]).toEqual([[], 24]);
    expect(look(225)).toEqual(['pause']);
    expect(look(256)).toEqual(['pause']);
    expect(spare).toBe(0);
    expect(look(169)).toEqual(['pause']);
    expect(look(168)).toEqual(['pause', 'resume']);
    expect(spare).toBe(24);
    expect(look(225)).toEqual(['pause', 'resume', 'pause']);
    expect([metrics.listenerPauses.value, metrics.descriptorsOpen.value]).toEqual([2, 225]);
  });

  test('tries again when the port cannot be bound', () => {
    look(256);
    bindable = false;
    expect(look(10)).toEqual(['pause', 'resume']);
    bindable = true;
    expect(look(10)).toEqual(['pause', 'resume', 'resume']);
    expect(look(10)).toHaveLength(3);
  });

  test('looks as seldom as a burst would take, and once a second at the latest', () => {
    watch.stop();
    [limit, open] = [1_000_000, 10];
    watch = begin();
    open = 995_000;
    clock.advance(999);
    expect(metrics.descriptorsOpen.value).toBe(10);
    clock.advance(1);
    open = 999_999;
    clock.advance(124);
    expect(calls).toEqual([]);
    clock.advance(1);
    expect(calls).toEqual(['pause']);
  });

  test('ends', () => {
    watch.stop();
    expect(look(256)).toEqual([]);
  });
});
