import { beforeEach, describe, expect, test } from 'vitest';
import { FakeClock } from '../../test/support/fake-clock.ts';
import { coalesceMs, signalHandler } from './signals.ts';

let clock: FakeClock;
let actions: string[];
let onSignal: (signal: NodeJS.Signals) => void;

beforeEach(() => {
  clock = new FakeClock();
  actions = [];
  onSignal = signalHandler(clock, {
    stop: (signal) => void actions.push(`stop ${signal}`),
    exitNow: (signal) => void actions.push(`exit ${signal}`),
  });
});

describe('signals', () => {
  test('stop in good order the first time', () => {
    onSignal('SIGTERM');
    expect(actions).toEqual(['stop SIGTERM']);
  });

  test('within a second are one, whichever they are', () => {
    onSignal('SIGINT');
    onSignal('SIGINT');
    onSignal('SIGTERM');
    clock.advance(coalesceMs);
    onSignal('SIGINT');
    expect(actions).toEqual(['stop SIGINT']);
  });

  test('after more than a second end it at once', () => {
    onSignal('SIGINT');
    clock.advance(coalesceMs + 1);
    onSignal('SIGTERM');
    expect(actions).toEqual(['stop SIGINT', 'exit SIGTERM']);
  });

  test('count the second from the first, not from the last', () => {
    onSignal('SIGINT');
    clock.advance(600);
    onSignal('SIGINT');
    clock.advance(600);
    onSignal('SIGINT');
    expect(actions).toEqual(['stop SIGINT', 'exit SIGINT']);
  });
});
