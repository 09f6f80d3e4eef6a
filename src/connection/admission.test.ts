import { beforeEach, describe, expect, test } from 'vitest';
import { FakeClock } from '../../test/support/fake-clock.ts';
import { Admission } from './admission.ts';

let clock: FakeClock;
let admission: Admission;
beforeEach(() => {
  clock = new FakeClock();
  admission = new Admission({ perSecond: 10, clock, random: () => 0.5 });
});

/** 0 for those who are welcome, else when to come again. */
const ask = (times: number) =>
  Array.from({ length: times }, () => {
    const answer = admission.ask();
    return answer === 'welcome' ? 0 : answer.retryAfterMs;
  });

describe('admission', () => {
  test('takes a second’s worth at once, and so many in each second', () => {
    expect(ask(11).filter((ms) => ms === 0)).toHaveLength(10);
    for (let second = 0; second < 5; second += 1) {
      clock.advance(1_000);
      expect(ask(50).filter((ms) => ms === 0)).toHaveLength(10);
    }
  });

  test('gives the others appointments as far apart as they may come', () => {
    ask(10);
    expect(ask(12)).toEqual([
      1_100, 1_200, 1_300, 1_400, 1_500, 1_600, 1_700, 1_800, 1_900, 2_000, 2_100, 2_200,
    ]);
    clock.advance(200);
    ask(2); // Taken: there were two places again.
    expect(ask(1)).toEqual([2_100]);
  });

  test('takes a herd that keeps its appointments, each at the second time', () => {
    const due = ask(300)
      .filter((ms) => ms > 0)
      .sort((a, b) => a - b);
    let now = 0;
    const refused = due.filter((at) => {
      clock.advance(at - now);
      now = at;
      return admission.ask() !== 'welcome';
    });
    expect([due.length, refused]).toEqual([290, []]);
  });

  test('gives out no appointment that is further away than a minute', () => {
    ask(10);
    const told = ask(1_000);
    expect(Math.max(...told)).toBeLessThanOrEqual(60_000);
    expect(told.slice(-10)).toEqual(Array(10).fill(45_000));
  });

  test('has as many told as are welcome', () => {
    ask(10);
    const told = Array.from({ length: 50 }, () => admission.ask()).filter(
      (answer) => answer !== 'welcome' && answer.mayBeTold,
    );
    expect(told).toHaveLength(10);
  });

  test('begins anew when the herd has gone', () => {
    ask(1_000);
    clock.advance(120_000);
    expect(ask(11)).toEqual([...Array(10).fill(0), 1_100]);
  });
});
