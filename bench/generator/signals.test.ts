import { describe, expect, test } from 'vitest';
import { addSignals, Signals } from './signals.ts';

const noTail = () => 0;

/** One receiver that heard something at 10. */
function listening(): Signals {
  const signals = new Signals(1, 0);
  signals.arrived(0, 10);
  return signals;
}

/** What comes at that time has a hole before it. */
function hole(signals: Signals, at: number, records: number): void {
  signals.arrived(0, at);
  signals.missing(0, records);
}

describe('a hole', () => {
  test('without a signal is silent', () => {
    const signals = listening();
    hole(signals, 20, 3);
    expect(signals.counts(noTail)).toMatchObject({ silent: 3, silentReceivers: 1, known: 0 });
  });

  test('is known when a gap was told since the last record before it, or the connection ended', () => {
    for (const signal of ['told', 'cutOff'] as const) {
      const signals = listening();
      signals[signal](0, 15);
      hole(signals, 20, 3);
      expect(signals.counts(noTail)).toMatchObject({ silent: 0, silentReceivers: 0, known: 3 });
    }
  });

  test('is known when the signal comes behind it', () => {
    const signals = listening();
    hole(signals, 20, 3);
    signals.told(0, 25);
    expect(signals.counts(noTail)).toMatchObject({ silent: 0, known: 3 });
  });

  test('is not known from a signal that was older than what came before it', () => {
    const signals = listening();
    signals.told(0, 15);
    signals.arrived(0, 18);
    hole(signals, 20, 3);
    expect(signals.counts(noTail)).toMatchObject({ silent: 3, known: 0 });
  });

  test('that is filled late is none', () => {
    const signals = listening();
    hole(signals, 20, 2);
    signals.late(0);
    expect(signals.counts(noTail).silent).toBe(1);
    signals.late(0);
    expect(signals.counts(noTail)).toMatchObject({ silent: 0, silentReceivers: 0 });
  });

  test('at the end counts like any other', () => {
    const signals = listening();
    expect(signals.counts(() => 7)).toMatchObject({ silent: 7, known: 0 });
    signals.cutOff(0, 11);
    expect(signals.counts(() => 7)).toMatchObject({ silent: 0, known: 7 });
  });
});

test('says when the last was told, was back and heard again', () => {
  const signals = new Signals(3, 0);
  for (const receiver of [0, 1, 2]) signals.arrived(receiver, 10);
  signals.told(0, 20);
  signals.told(0, 90);
  signals.told(1, 30);
  signals.cutOff(2, 40);
  signals.back(2, 50);
  signals.arrived(0, 700);
  signals.arrived(0, 710);
  signals.arrived(1, 400);
  expect(signals.counts(noTail)).toMatchObject({
    ...{ told: 2, toldBy: 30, cutOff: 1, back: 1, backBy: 50, paused: 1, hearAgainBy: 700 },
  });
});

test('those of several processes are one', () => {
  const [one, other] = [listening(), listening()];
  hole(one, 20, 1);
  one.told(0, 30);
  hole(other, 20, 2);
  expect(addSignals([one, other].map((each) => each.counts(noTail)))).toMatchObject({
    ...{ told: 1, toldBy: 30, silent: 2, silentReceivers: 1, known: 1, backBy: null },
  });
});
