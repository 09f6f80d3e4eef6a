import { describe, expect, it } from 'vitest';
import { FakeClock } from '../../test/support/fake-clock.ts';
import { OutcryError } from './outcry-error.ts';
import { outgoing } from './payload.ts';
import { type Acknowledgement, PendingPublications } from './pending-publications.ts';
import type { Position } from './position.ts';

const plain = { degraded: false, epoch: null, offset: null, duplicate: false };

function answer(id: number, degraded = false, position: Position | null = null): Acknowledgement {
  return { id, degraded, position, duplicate: false };
}

function aFew(timeoutMs = 10_000) {
  const clock = new FakeClock();
  const pending = new PendingPublications(clock, timeoutMs);
  const sent: number[] = [];
  return {
    clock,
    pending,
    sent,
    add: (id: number, data: unknown = 'x', idempotencyKey: string | null = null) =>
      pending.add({ id, channel: 'chat', payload: outgoing(data), idempotencyKey, key: null }),
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
    expect(pending.acknowledged(answer(2, true))).toBe('chat');
    expect(pending.acknowledged(answer(1))).toBe('chat');
    expect(pending.acknowledged(answer(1))).toBeNull();
    expect([await first, await second]).toEqual([plain, { ...plain, degraded: true }]);
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
    pending.acknowledged(answer(1));
    pending.acknowledged(answer(2));
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

describe('a publication with an idempotency key', () => {
  const position = { epoch: 'e', offset: 57 };

  it('says where it stands in the history', async () => {
    const { pending, add, flush } = aFew();
    const both = [add(1, 'x', 'a'), add(2, 'x', 'b')];
    flush();
    pending.acknowledged(answer(1, false, position));
    pending.acknowledged({ ...answer(2, false, position), duplicate: true });
    expect(await Promise.all(both)).toEqual([
      { degraded: false, epoch: 'e', offset: 57, duplicate: false },
      { degraded: false, epoch: 'e', offset: 57, duplicate: true },
    ]);
  });

  it('is sent again when its connection ended before the answer came, in order, before what was never sent', async () => {
    const { pending, sent, add, flush } = aFew();
    const [first, second] = [add(1, 'x', 'a'), add(2)];
    const third = add(3, 'x', 'c');
    flush();
    const fourth = add(4);
    pending.lost();
    await expect(second).rejects.toMatchObject({ name: 'outcome_unknown' });
    pending.lost();
    flush();
    expect(sent).toEqual([1, 2, 3, 1, 3, 4]);
    for (const id of [1, 3, 4]) pending.acknowledged(answer(id, false, position));
    expect(await Promise.all([first, third, fourth])).toHaveLength(3);
    flush();
    expect(sent).toHaveLength(6);
  });

  it('has an unknown outcome when its time is up, however often it was sent', async () => {
    const { clock, pending, add, flush } = aFew();
    const published = add(1, 'x', 'a');
    flush();
    clock.advance(9_000);
    pending.lost();
    flush();
    clock.advance(1_000);
    await expect(published).rejects.toMatchObject({ name: 'outcome_unknown' });
    expect(clock.timers).toBe(0);
  });

  it('has an unknown outcome when the client is closed while it waits to be sent again', async () => {
    const { pending, add, flush } = aFew();
    const published = add(1, 'x', 'a');
    flush();
    pending.lost();
    pending.end(OutcryError.of('closed', 'closed'));
    await expect(published).rejects.toMatchObject({ name: 'outcome_unknown' });
  });

  it('is not sent again when the node could have forgotten the key', async () => {
    const { clock, pending, sent, add, flush } = aFew(1_000_000);
    const published = add(1, 'x', 'a');
    flush();
    clock.advance(240_001);
    pending.lost();
    flush();
    await expect(published).rejects.toMatchObject({ name: 'outcome_unknown' });
    expect(sent).toEqual([1]);
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
    pending.acknowledged(answer(2));
    expect(await second).toEqual(plain);
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
    pending.acknowledged(answer(0));
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
