import { describe, expect, test } from 'vitest';
import { silentlyLostBy, silentlyLostIn } from './silent-loss.ts';

describe('in a turn', () => {
  test('holes and missing ends are silent losses', () => {
    expect(silentlyLostIn({ gaps: 3, tail: 2 }, { stillComing: false, closed: 0 })).toBe(5);
  });

  test('an end that is still on its way is not lost', () => {
    expect(silentlyLostIn({ gaps: 3, tail: 2 }, { stillComing: true, closed: 0 })).toBe(3);
  });

  test('who was cut off knows', () => {
    expect(silentlyLostIn({ gaps: 0, tail: 500 }, { stillComing: false, closed: 1 })).toBe(0);
  });
});

describe('a paused reader', () => {
  const paused = { published: 10, received: 6, lost: 4, cutOff: false, told: false };

  test('loses silently what is missing while its connection is open', () => {
    expect(silentlyLostBy(paused)).toBe(4);
  });

  test.each([{ cutOff: true }, { told: true }])('does not, if %j', (fate) => {
    expect(silentlyLostBy({ ...paused, ...fate })).toBe(0);
  });
});
