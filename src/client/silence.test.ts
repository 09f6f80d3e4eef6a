import { describe, expect, it } from 'vitest';
import { FakeClock } from '../../test/support/fake-clock.ts';
import { Silence } from './silence.ts';

const intervalMs = 25_000;

function aSilence() {
  const clock = new FakeClock();
  const seen: string[] = [];
  const silence = new Silence(clock, intervalMs, {
    ping: () => seen.push('ping'),
    dead() {
      seen.push('dead');
      silence.stop();
    },
  });
  return { clock, seen, silence };
}

describe('a silent connection', () => {
  it('is asked after the interval, and given up ten seconds later', () => {
    const { clock, seen } = aSilence();
    clock.advance(intervalMs - 1);
    expect(seen).toEqual([]);
    clock.advance(1);
    expect(seen).toEqual(['ping']);
    clock.advance(9_999);
    expect(seen).toEqual(['ping']);
    clock.advance(1);
    expect(seen).toEqual(['ping', 'dead']);
    expect(clock.timers).toBe(0);
  });

  it('is not asked while messages come', () => {
    const { clock, seen, silence } = aSilence();
    for (let count = 0; count < 20; count += 1) {
      clock.advance(intervalMs / 2);
      silence.broken();
    }
    expect(seen).toEqual([]);
    clock.advance(intervalMs);
    expect(seen).toEqual(['ping']);
  });

  it('lives on when it answers', () => {
    const { clock, seen, silence } = aSilence();
    clock.advance(intervalMs + 5_000);
    silence.broken();
    clock.advance(intervalMs - 1);
    expect(seen).toEqual(['ping']);
    clock.advance(1);
    expect(seen).toEqual(['ping', 'ping']);
  });

  it('can be asked at any time', () => {
    const { clock, seen, silence } = aSilence();
    silence.probe();
    silence.probe();
    expect(seen).toEqual(['ping']);
    clock.advance(10_000);
    expect(seen).toEqual(['ping', 'dead']);
  });
});

describe('a timer that fires late, as in a hidden tab', () => {
  it('gives the node another period, in which its answer is heard', () => {
    const { clock, seen, silence } = aSilence();
    clock.advance(intervalMs);
    clock.stall(60_000);
    expect(seen).toEqual(['ping', 'ping']);
    silence.broken();
    clock.advance(intervalMs - 1);
    expect(seen).toEqual(['ping', 'ping']);
  });

  it('does so once: who stays silent is given up', () => {
    const { clock, seen } = aSilence();
    clock.advance(intervalMs);
    clock.stall(60_000);
    clock.stall(60_000);
    expect(seen).toEqual(['ping', 'ping', 'dead']);
  });

  it('asks before it judges when the interval itself was overslept', () => {
    const { clock, seen } = aSilence();
    clock.stall(3_600_000);
    expect(seen).toEqual(['ping']);
  });
});
