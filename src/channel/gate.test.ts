import { describe, expect, test } from 'vitest';
import { FakeClock } from '../../test/support/fake-clock.ts';
import { Gate } from './gate.ts';

const make = (maxInside: number, maxWaiting: number) => {
  const clock = new FakeClock();
  return { clock, gate: new Gate({ maxInside, maxWaiting, clock }) };
};

describe('a gate', () => {
  test('lets in as many as there is room for, then the others in their order', async () => {
    const { gate } = make(1, 2);
    expect(await gate.enter()).toBe(true);
    const entered: string[] = [];
    const waiting = ['first', 'second'].map((name) => gate.enter().then(() => entered.push(name)));
    gate.leave();
    await waiting[0];
    expect(entered).toEqual(['first']);
    gate.leave();
    await waiting[1];
    expect(entered).toEqual(['first', 'second']);
    gate.leave();
    expect(gate.count).toBe(0);
  });

  test('turns away who finds no room to wait', async () => {
    const { gate } = make(1, 1);
    await gate.enter();
    const waiting = gate.enter();
    expect(await gate.enter()).toBe(false);
    gate.leave();
    expect(await waiting).toBe(true);
  });

  test('turns away who has waited for too long, and keeps no place for him', async () => {
    const { gate, clock } = make(1, 1);
    await gate.enter();
    const waiting = gate.enter(100);
    clock.advance(100);
    expect(await waiting).toBe(false);
    expect(gate.count).toBe(1);
    gate.leave();
    expect(gate.count).toBe(0);
    expect(clock.timers).toBe(0);
  });
});
