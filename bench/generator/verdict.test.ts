import { describe, expect, test } from 'vitest';
import { type Evidence, judge, worst } from './verdict.ts';

const counts = {
  deliveries: 100,
  duplicates: 0,
  reordered: 0,
  corrupted: 0,
  gaps: 0,
  tail: 0,
  early: 0,
  stale: 0,
  overflowed: false,
};
const evidence: Evidence = {
  counts,
  expected: 100,
  stillComing: false,
  closed: 0,
  scheduleLagP99Ms: 1.2,
  receiverShare: 0.5,
  longestStallMs: 8,
};

describe('the verdict', () => {
  test('is ok without a word when nothing is wrong', () => {
    expect(judge(evidence)).toEqual({ status: 'ok', reservations: [] });
  });

  test.each([
    [{ gaps: 1 }, '1 of 100 lost'],
    [{ tail: 2 }, '2 of 100 lost'],
    [{ duplicates: 1 }, '1 of 100 duplicated'],
    [{ reordered: 1 }, '1 of 100 reordered'],
    [{ corrupted: 1 }, '1 of 100 corrupted'],
    [{ early: 1 }, '1 of 100 dated before they were due'],
    [{ overflowed: true }, 'too many holes to account for'],
  ])('is invalid with %j', (flaw, sentence) => {
    expect(judge({ ...evidence, counts: { ...counts, ...flaw } })).toEqual({
      status: 'invalid',
      reservations: [sentence],
    });
  });

  test('is invalid when a subscriber was cut off', () => {
    expect(judge({ ...evidence, closed: 1 }).status).toBe('invalid');
  });

  test.each([
    [{ scheduleLagP99Ms: 2.1 }, 'its schedule lag p99 was 2.1 ms'],
    [{ receiverShare: 0.95 }, 'a receiver process used 95 % of a core'],
    [{ longestStallMs: 200 }, 'a worker stood still for 200 ms'],
  ])('is generator-bound with %j', (bound, sentence) => {
    expect(judge({ ...evidence, ...bound })).toEqual({
      status: 'generator-bound',
      reservations: [`generator-bound: ${sentence}`],
    });
  });

  test('is behind, not invalid, when the missing ones were still coming', () => {
    const behind = { ...evidence, stillComing: true, counts: { ...counts, tail: 40 } };
    expect(judge(behind)).toEqual({
      status: 'behind',
      reservations: ['behind: 40 of 100 were still on their way'],
    });
  });

  test('is invalid when a server that is behind has also lost something', () => {
    const behind = { ...evidence, stillComing: true, counts: { ...counts, tail: 40, gaps: 1 } };
    expect(judge(behind).status).toBe('invalid');
  });

  test('of many runs is the worst of them', () => {
    expect(worst(['ok', 'generator-bound', 'ok'])).toBe('generator-bound');
    expect(worst(['behind', 'invalid', 'generator-bound'])).toBe('invalid');
    expect(worst(['ok', 'ok'])).toBe('ok');
  });
});
