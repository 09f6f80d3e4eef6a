import { describe, expect, it } from 'vitest';
import { FakeClock } from '../../test/support/fake-clock.ts';
import { OutcryError } from './outcry-error.ts';
import { outgoing } from './payload.ts';
import { PendingPublications } from './pending-publications.ts';

function aFew() {
  const clock = new FakeClock();
  const pending = new PendingPublications(clock, 10_000);
  const sent: number[] = [];
  return {
    clock,
    pending,
    sent,
    add: (id: number, data: unknown = 'x') => pending.add(id, 'chat', outgoing(data)),
    flush: () =>
      pending.flush(({ id }) => {
        sent.push(id);
        return null;
      }),
  };
}

describe('a publication', () => {
  it('resolves with what the node said', async () => {
    const { pending, add, flush } = aFew();
    const [first, second] = [add(1), add(2)];
    flush();
    expect(pending.acknowledged(2, true)).toBe('chat');
    expect(pending.acknowledged(1, false)).toBe('chat');
    expect(pending.acknowledged(1, false)).toBeNull();
    expect([await first, await second]).toEqual([{ degraded: false }, { degraded: true }]);
  });

  it('rejects with the refusal of the node', async () => {
    const { pending, add, flush } = aFew();
    const published = add(1);
    flush();
    expect(pending.refused(1, OutcryError.fromNode(109, 'too big'))).toBe(true);
    expect(pending.refused(1, OutcryError.fromNode(109, 'too big'))).toBe(false);
    await expect(published).rejects.toMatchObject({ name: 'payload_too_big', code: 109, retryable: false });
  });

  it('is sent once, in order, and waits for the next connection if there was none', async () => {
    const { pending, sent, add, flush } = aFew();
    const waiting = [add(1), add(2)];
    pending.lost();
    flush();
    flush();
    expect(sent).toEqual([1, 2]);
    pending.acknowledged(1, false);
    pending.acknowledged(2, false);
    await Promise.all(waiting);
  });

  it('has an unknown outcome when its connection ends', async () => {
    const { pending, sent, add, flush } = aFew();
    const published = add(1);
    flush();
    pending.lost();
    await expect(published).rejects.toMatchObject({ name: 'outcome_unknown', code: 201, retryable: true });
    flush();
    expect(sent).toEqual([1]);
  });

  it('rejects if it cannot be sent', async () => {
    const { pending, add } = aFew();
    const published = add(1);
    pending.flush(() => OutcryError.of('payload_too_big', 'no'));
    await expect(published).rejects.toMatchObject({ name: 'payload_too_big' });
  });
});

describe('time', () => {
  it('is up for one that was never sent, and it never will be', async () => {
    const { clock, sent, add, flush } = aFew();
    const published = add(1);
    clock.advance(10_000);
    await expect(published).rejects.toMatchObject({
      name: 'not_connected_in_time',
      code: 290,
      retryable: true,
    });
    flush();
    expect(sent).toEqual([]);
    expect(clock.timers).toBe(0);
  });

  it('is up for each by itself, with one timer for all', async () => {
    const { clock, pending, add, flush } = aFew();
    const first = add(1);
    clock.advance(4_000);
    const second = add(2);
    flush();
    expect(clock.timers).toBe(1);
    clock.advance(6_000);
    await expect(first).rejects.toMatchObject({ name: 'outcome_unknown' });
    clock.advance(3_999);
    pending.acknowledged(2, false);
    expect(await second).toEqual({ degraded: false });
    clock.advance(10_000);
    expect(clock.timers).toBe(0);
  });
});

describe('a program that publishes faster than it is answered', () => {
  it('is told so beyond 10,000 publications', async () => {
    const { pending, add, flush } = aFew();
    const accepted = Array.from({ length: 10_000 }, (_, index) => add(index));
    await expect(add(10_000)).rejects.toMatchObject({ name: 'too_many_pending', code: 291, retryable: true });
    flush();
    pending.acknowledged(0, false);
    accepted.push(add(10_001));
    pending.end(OutcryError.of('closed', 'closed'));
    const outcomes = await Promise.allSettled(accepted);
    expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    expect(outcomes[1]).toMatchObject({ reason: { name: 'outcome_unknown' } });
    expect(outcomes.at(-1)).toMatchObject({ reason: { name: 'closed' } });
  });

  it('is told so beyond 16 MiB', async () => {
    const { pending, add } = aFew();
    const first = add(1, new Uint8Array(16_777_216));
    await expect(add(2, 'x')).rejects.toMatchObject({ name: 'too_many_pending' });
    pending.refused(1, OutcryError.of('closed', 'closed'));
    await expect(first).rejects.toThrow();
    void add(3, 'x').catch(() => {});
  });
});
