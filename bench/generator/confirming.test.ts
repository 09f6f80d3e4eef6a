import { describe, expect, test } from 'vitest';
import { Confirming } from './confirming.ts';

function publisher() {
  const written: string[] = [];
  const later: (() => void)[] = [];
  const confirming = new Confirming({
    write: (frame) => void written.push(frame.toString()),
    retryMs: 100,
    after: (_ms, callBack) => void later.push(callBack),
  });
  return {
    confirming,
    publish: (...ids: number[]) => {
      for (const id of ids) confirming.publish(id, Buffer.from(`${id}`));
    },
    answer: (taken: boolean, ...ids: number[]) => {
      for (const id of ids) confirming.answered(id, taken);
    },
    /** What was written since this was last asked. */
    written: () => written.splice(0).join(),
    waitOver: () => {
      for (const callBack of later.splice(0)) callBack();
    },
  };
}

describe('publications that are answered', () => {
  test('go out at once and are settled when all are taken', () => {
    const { confirming, publish, answer, written } = publisher();
    publish(1, 2, 3);
    expect(written()).toBe('1,2,3');
    answer(true, 1, 2);
    expect(confirming.isSettled).toBe(false);
    answer(true, 3);
    expect(confirming.isSettled).toBe(true);
    expect(confirming.refused).toBe(0);
  });

  test('are sent again in order when they are refused, before all that came later', () => {
    const { confirming, publish, answer, written, waitOver } = publisher();
    publish(1, 2, 3);
    answer(true, 1);
    answer(false, 2);
    publish(4);
    answer(false, 3);
    expect(written()).toBe('1,2,3');
    waitOver();
    publish(5);
    expect(written()).toBe('2');
    // One of them is tried until it is taken.
    answer(false, 2);
    waitOver();
    expect(written()).toBe('2');
    answer(true, 2);
    expect(written()).toBe('3,4,5');
    expect(confirming.refused).toBe(4);
    answer(true, 3, 4, 5);
    expect(confirming.isSettled).toBe(true);
    publish(6);
    expect(written()).toBe('6');
  });

  test('are sent again at once when others behind them were taken', () => {
    const { confirming, publish, answer, written } = publisher();
    publish(1, 2);
    answer(false, 1);
    answer(true, 2);
    expect(written()).toBe('1,2,1');
    answer(true, 1);
    expect(confirming.isSettled).toBe(true);
  });

  test('are not settled by an answer to something else', () => {
    const { confirming, publish, answer } = publisher();
    publish(1);
    answer(true, 7);
    expect(confirming.isSettled).toBe(false);
  });
});
