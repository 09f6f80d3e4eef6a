import { describe, expect, onTestFinished, test } from 'vitest';
import { confirmed, describeHistory, slice } from '../../test/history/history.suite.ts';
import { FakeClock } from '../../test/support/fake-clock.ts';
import { Publication } from '../channel/publication.ts';
import { Metrics } from '../metrics/metrics.ts';
import { MemoryHistory, type MemoryHistoryOptions } from './memory-history.ts';

const limits = { maxBytes: 64_000_000, maxChannels: 1_000, maxIdempotencyKeys: 1_000 };

function make(options: Partial<MemoryHistoryOptions> = {}) {
  const clock = new FakeClock();
  const history = new MemoryHistory({
    retention: () => ({ size: 10, ttlMs: 1_000 }),
    ...limits,
    clock,
    metrics: new Metrics().history,
    ...options,
  });
  onTestFinished(() => history.stop());
  const append = async (channel: string, ...texts: string[]) =>
    confirmed(
      await history.append(
        channel,
        texts.map((text) => Publication.text(text, 0)),
      ),
    );
  const kept = async (channel: string) =>
    slice(await history.last(channel, 1_000)).publications.map(({ text }) => text);
  return { clock, history, append, kept };
}

describeHistory(async (retention, receive) => {
  const { clock, history } = make({ retention });
  history.start(receive);
  return { history, pass: async (ms) => clock.advance(ms) };
});

describe('in memory', () => {
  test('another process has another epoch', async () => {
    const [one, other] = [make(), make()];
    expect((await one.append('a', 'x')).epoch).not.toBe((await other.append('a', 'x')).epoch);
  });

  test('every channel has an epoch of its own', async () => {
    const { append } = make();
    expect((await append('a', 'x')).epoch).not.toBe((await append('b', 'x')).epoch);
  });

  test('the channel that was quiet longest loses its oldest ones when there are too many bytes', async () => {
    const { history, append, kept } = make({ maxBytes: 1_800 });
    const large = 'x'.repeat(100);
    await append('first', 'a', 'b', large);
    await append('second', large);
    const before = await append('first', large);
    await append('third', large, large);
    expect(history.bytes).toBeLessThanOrEqual(1_800);
    expect(await kept('second')).toEqual([]);
    expect((await kept('first')).length).toBe(4);
    await append('third', large);
    expect(history.bytes).toBeLessThanOrEqual(1_800);
    expect((await kept('first')).at(-1)).toBe(large);
    expect((await kept('first')).length).toBeLessThan(4);
    // The numbering goes on.
    expect(await append('first', 'y')).toEqual({ ...before, offset: 5 });
  });

  test('bytes are counted the same whatever form somebody asked for', async () => {
    const { clock, history } = make();
    const publication = Publication.text(Buffer.from('grüße'), 0);
    await history.append('a', [publication]);
    expect(publication.text).toBe('grüße');
    clock.advance(20_000);
    expect(history.bytes).toBe(0);
  });

  test('the channel that was untouched longest is forgotten when there are too many', async () => {
    const { history, append } = make({ maxChannels: 2 });
    const first = await append('first', 'x');
    const second = await append('second', 'x');
    await history.top('first');
    await append('third', 'x');
    expect(history.channels).toBe(2);
    expect(await history.top('first')).toEqual(first);
    expect((await append('second', 'y')).epoch).not.toBe(second.epoch);
  });

  test('what has expired is given back without anybody asking, the numbering a day later', async () => {
    const { clock, history, append } = make();
    await append('a', 'x');
    clock.advance(20_000);
    expect([history.bytes, history.channels]).toEqual([0, 1]);
    clock.advance(86_400_000);
    expect(history.channels).toBe(0);
  });

  test('a numbering that was forgotten begins anew with another epoch', async () => {
    const { clock, append } = make();
    const before = await append('a', 'x');
    clock.advance(86_500_000);
    const after = await append('a', 'y');
    expect(after.offset).toBe(1);
    expect(after.epoch).not.toBe(before.epoch);
  });

  test('idempotency keys are forgotten after five minutes, or when there are too many', async () => {
    const { clock, history } = make({ maxIdempotencyKeys: 2 });
    const duplicate = async (key: string) => {
      const appended = await history.append('a', [Publication.text('x', 0)], key);
      return appended.outcome === 'confirmed' && appended.duplicate;
    };
    expect([await duplicate('1'), await duplicate('2'), await duplicate('1')]).toEqual([false, false, true]);
    expect([await duplicate('3'), await duplicate('1')]).toEqual([false, false]);
    clock.advance(300_000);
    expect(await duplicate('1')).toBe(false);
  });

  test('the end leaves no timer', async () => {
    const { clock, history } = make();
    await history.stop();
    expect(clock.timers).toBe(0);
  });
});
