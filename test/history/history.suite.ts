/**
 * What every history promises, whatever keeps it. Takes how to make one; each test gets its own, and a channel of its own.
 */
import { beforeEach, describe, expect, it } from 'vitest';
import type { Position, Retention, SequencedBatch } from '../../src/channel/position.ts';
import { Publication } from '../../src/channel/publication.ts';
import { type Appended, type History, maxReadBytes } from '../../src/history/history.ts';
import { recover, type Slice } from '../../src/history/recovery.ts';
import { until } from '../support/until.ts';

export interface HistoryUnderTest {
  readonly history: History;
  /** Lets so much time pass for the history. */
  pass(ms: number): Promise<void>;
}

/** @param start begins to receive, and resolves when everything that is appended from now on is heard */
export type MakeHistory = (
  retention: (channel: string) => Retention,
  receive: (channel: string, batch: SequencedBatch) => void,
) => Promise<HistoryUnderTest>;

/** Short enough to be waited for, long enough for a busy machine. */
const shortTtlMs = 1_000;

const retentions: Readonly<Record<string, Retention>> = {
  large: { size: 1_000, ttlMs: 60_000 },
  ten: { size: 10, ttlMs: 60_000 },
  short: { size: 100, ttlMs: shortTtlMs },
  none: { size: 0, ttlMs: 60_000 },
  latest: { size: 0, ttlMs: 60_000, latest: { maxKeys: 1_000, maxBytes: 100_000 } },
  both: { size: 1_000, ttlMs: 60_000, latest: { maxKeys: 1_000, maxBytes: 100_000 } },
  three: { size: 10, ttlMs: 60_000, latest: { maxKeys: 3, maxBytes: 100_000 } },
  tight: { size: 10, ttlMs: 60_000, latest: { maxKeys: 100, maxBytes: 200 } },
  brief: { size: 0, ttlMs: shortTtlMs, latest: { maxKeys: 10, maxBytes: 1_000 } },
};

const text = (value: string | number) => Publication.text(String(value), 1_500);
const numbers = (first: number, last: number) =>
  Array.from({ length: last - first + 1 }, (_, i) => first + i);
const textsOf = (publications: readonly Publication[]) => publications.map((each) => each.text);

export function describeHistory(make: MakeHistory): void {
  let received: { channel: string; epoch: string; offset: number; texts: string[] }[];
  let history: History;
  let pass: HistoryUnderTest['pass'];
  let names = 0;
  let channel: string;
  beforeEach(async () => {
    received = [];
    names += 1;
    channel = `large:${names}`;
    const made = await make(
      (name) => retentions[name.slice(0, name.indexOf(':'))] ?? { size: 0, ttlMs: 1_000 },
      (name, { epoch, offset, publications }) =>
        received.push({ channel: name, epoch, offset, texts: textsOf(publications) }),
    );
    history = made.history;
    pass = made.pass;
  });

  const append = async (to: string, ...values: (string | number)[]) =>
    confirmed(await history.append(to, values.map(text)));
  const read = async (of: string, since: Position, max = 10_000) => slice(await history.read(of, since, max));
  const top = async (of: string): Promise<Position> => {
    const position = await history.top(of);
    if (position === null) throw new Error('the history cannot be asked');
    return position;
  };
  const receivedOf = (of: string) => received.filter((each) => each.channel === of);

  describe('append', () => {
    it('numbers from 1 on, and says where the last one stands', async () => {
      const start = await top(channel);
      expect(start.offset).toBe(0);
      expect(await append(channel, 'a')).toEqual({ ...start, offset: 1 });
      expect(await append(channel, 'b', 'c', 'd')).toEqual({ ...start, offset: 4 });
      expect(await top(channel)).toEqual({ ...start, offset: 4 });
    });

    it('numbers in the order of the calls, also when nobody waits between them', async () => {
      const positions = await Promise.all(numbers(1, 200).map((n) => append(channel, n)));
      expect(positions.map(({ offset }) => offset)).toEqual(numbers(1, 200));
      expect(textsOf((await read(channel, at(positions[0], 0))).publications)).toEqual(
        numbers(1, 200).map(String),
      );
    });

    it('hands everything out in the order of the offsets, with the epoch', async () => {
      const { epoch } = await top(channel);
      await Promise.all(numbers(1, 50).map((n) => append(channel, n)));
      await append(channel, 51, 52);
      await until(
        () => receivedOf(channel).at(-1)?.offset,
        (offset) => offset === 52,
      );
      const batches = receivedOf(channel);
      expect(batches.flatMap(({ texts }) => texts)).toEqual(numbers(1, 52).map(String));
      let offset = 0;
      for (const batch of batches) {
        offset += batch.texts.length;
        expect([batch.epoch, batch.offset]).toEqual([epoch, offset]);
      }
    });

    it('keeps the publications of one call together', async () => {
      await Promise.all([
        append(channel, 'a1', 'a2', 'a3'),
        append(channel, 'b1', 'b2', 'b3'),
        append(channel, 'c1', 'c2', 'c3'),
      ]);
      const kept = textsOf(slice(await history.last(channel, 9)).publications);
      expect(kept).toEqual(['a1', 'a2', 'a3', 'b1', 'b2', 'b3', 'c1', 'c2', 'c3']);
    });

    it('copies, and brings back every kind byte for byte', async () => {
      const bytes = new Uint8Array([0, 255, 10]);
      const appended = history.append(channel, [
        Publication.binary(bytes, 1_500),
        Publication.json('{"a": 1.0}', 1_500),
        Publication.text(Buffer.from('grüß'), 1_500),
        Publication.text('', 1_500),
      ]);
      bytes.fill(7);
      await appended;
      const { publications } = slice(await history.last(channel, 9));
      expect(publications.map(({ kind }) => kind)).toEqual(['binary', 'json', 'text', 'text']);
      expect(Buffer.from(publications[0]?.bytes ?? [])).toEqual(Buffer.from([0, 255, 10]));
      expect(textsOf(publications.slice(1))).toEqual(['{"a": 1.0}', 'grüß', '']);
      expect(publications.every(({ time }) => time === 1_500)).toBe(true);
    });

    it('takes names as plain data', async () => {
      for (const name of [
        'large:__proto__',
        'large:*',
        'large:{1}',
        'large:a b\u2028',
        'large:constructor',
      ]) {
        const position = await append(name, name);
        expect(textsOf((await read(name, { ...position, offset: 0 })).publications)).toEqual([name]);
      }
    });

    it('is a mistake in a channel without history, which cannot be read either', async () => {
      await expect(history.append('none:a', [text(1)])).rejects.toThrow(RangeError);
      expect(await history.read('none:a', { epoch: 'e', offset: 0 }, 9)).toBe(null);
      expect(await history.last('none:a', 9)).toBe(null);
      expect(await history.top('none:a')).toBe(null);
    });
  });

  describe('an idempotency key', () => {
    it('appends once, and says where that was', async () => {
      const first = await history.append(channel, [text('paid')], 'order-1');
      expect(first).toMatchObject({ outcome: 'confirmed', duplicate: false });
      await append(channel, 'between');
      expect(await history.append(channel, [text('paid')], 'order-1')).toEqual({ ...first, duplicate: true });
      expect(textsOf(slice(await history.last(channel, 9)).publications)).toEqual(['paid', 'between']);
      await append(channel, 'end');
      await until(
        () => receivedOf(channel).flatMap(({ texts }) => texts),
        (texts) => texts.includes('end'),
      );
      expect(receivedOf(channel).flatMap(({ texts }) => texts)).toEqual(['paid', 'between', 'end']);
    });

    it('appends once although both are under way at the same time, and keeps the order around it', async () => {
      const appended = await Promise.all([
        history.append(channel, [text('before')]),
        history.append(channel, [text('once')], 'k'),
        history.append(channel, [text('twice')], 'k'),
        history.append(channel, [text('after')]),
      ]);
      expect(appended.map((each) => each.outcome === 'confirmed' && each.duplicate)).toEqual([
        false,
        false,
        true,
        false,
      ]);
      expect(appended.map((each) => confirmed(each).offset)).toEqual([1, 2, 2, 3]);
      expect(textsOf(slice(await history.last(channel, 9)).publications)).toEqual([
        'before',
        'once',
        'after',
      ]);
    });

    it('belongs to its channel', async () => {
      await history.append(channel, [text('here')], 'k');
      expect(await history.append(`${channel}b`, [text('there')], 'k')).toMatchObject({ duplicate: false });
    });
  });

  describe('read', () => {
    it('brings exactly what is behind a position, wherever batches were cut', async () => {
      await append(channel, 1, 2, 3);
      await append(channel, 4);
      const position = await append(channel, 5, 6, 7, 8);
      for (const offset of numbers(0, 8)) {
        const found = await read(channel, { ...position, offset });
        expect(textsOf(found.publications)).toEqual(numbers(offset + 1, 8).map(String));
        expect(found).toMatchObject({ epoch: position.epoch, offset: 8, top: 8 });
        expect(recover({ ...position, offset }, [found], [])).toMatchObject({ recovered: true, position });
      }
    });

    it('is cut at so many publications, and goes on from there', async () => {
      await append(channel, ...numbers(1, 7));
      const position = await append(channel, ...numbers(8, 10));
      const texts: string[] = [];
      const slices: Slice[] = [];
      for (let offset = 0; offset < 10; ) {
        const found = await read(channel, { ...position, offset }, 4);
        expect(found.publications.length).toBeLessThanOrEqual(4);
        expect(found.top).toBe(10);
        slices.push(found);
        texts.push(...textsOf(found.publications));
        offset = found.offset;
      }
      expect(texts).toEqual(numbers(1, 10).map(String));
      expect(recover(at(position, 0), slices as [Slice, ...Slice[]], []).recovered).toBe(true);
    });

    it('is cut at so many bytes, but brings one publication at least', async () => {
      const large = 'x'.repeat(maxReadBytes / 3);
      const huge = 'y'.repeat(maxReadBytes + 1);
      for (const value of [large, large, large, huge, large]) await append(channel, value);
      const { epoch } = await top(channel);
      let offset = 0;
      const sizes: number[] = [];
      while (offset < 5) {
        const found = await read(channel, { epoch, offset });
        expect(found.publications.length).toBeGreaterThan(0);
        sizes.push(...found.publications.map((each) => each.text.length));
        const bytes = found.publications.reduce((sum, each) => sum + each.text.length, 0);
        if (found.publications.length > 1) expect(bytes).toBeLessThanOrEqual(2 * maxReadBytes);
        offset = found.offset;
      }
      expect(sizes).toEqual([large, large, large, huge, large].map((value) => value.length));
    });

    it.each([
      ['behind the top', 4],
      ['far behind the top', 2 ** 40],
      ['at the largest offset', Number.MAX_SAFE_INTEGER],
    ])('brings nothing from a position %s', async (_name, offset) => {
      const position = await append(channel, 1, 2, 3);
      const found = await read(channel, { ...position, offset });
      expect(found).toMatchObject({ ...position, publications: [], top: 3 });
      expect(recover({ ...position, offset }, [found], [])).toMatchObject({
        recovered: false,
        whyNot: 'ahead',
        position,
      });
    });

    it('from a negative position is not enough to recover', async () => {
      const position = await append(channel, 1, 2, 3);
      const found = await read(channel, { ...position, offset: -5 });
      expect(recover({ ...position, offset: -5 }, [found], []).recovered).toBe(false);
    });

    it.each(['', 'forged', '…', 'x'.repeat(10_000)])(
      'brings nothing for another epoch, and tells the present one',
      async (epoch) => {
        const position = await append(channel, 1, 2, 3);
        const found = await read(channel, { epoch, offset: 1 });
        expect(found).toMatchObject({ ...position, publications: [], top: 3 });
        expect(recover({ epoch, offset: 1 }, [found], [])).toMatchObject({
          recovered: false,
          whyNot: 'epoch_changed',
        });
      },
    );

    it('of a channel that nobody has published in gives a position that stays true', async () => {
      const before = await top(channel);
      const position = await append(channel, 'first');
      expect(position).toEqual({ ...before, offset: 1 });
      const found = await read(channel, before);
      expect(recover(before, [found], [])).toMatchObject({ recovered: true, position });
    });
  });

  describe('last', () => {
    it('brings so many from the end, or as many as there are', async () => {
      const position = await append(channel, 1, 2, 3);
      await append(channel, 4, 5);
      const found = async (count: number) => slice(await history.last(channel, count));
      expect(textsOf((await found(2)).publications)).toEqual(['4', '5']);
      expect(textsOf((await found(3)).publications)).toEqual(['3', '4', '5']);
      expect(textsOf((await found(100)).publications)).toEqual(['1', '2', '3', '4', '5']);
      expect(await found(2)).toMatchObject({ epoch: position.epoch, offset: 5, top: 5 });
      expect((await found(0)).publications).toEqual([]);
      expect(slice(await history.last('large:nothing', 3))).toMatchObject({
        offset: 0,
        top: 0,
        publications: [],
      });
    });

    it('saves bytes at the old end', async () => {
      for (const value of ['a', 'b', 'c', 'd']) await append(channel, value.repeat(maxReadBytes / 2));
      const found = slice(await history.last(channel, 4));
      expect(found.offset).toBe(4);
      expect(found.publications.length).toBeLessThan(4);
      expect(found.publications.at(-1)?.text[0]).toBe('d');
    });
  });

  describe('what is kept', () => {
    it('is exactly the last ones, wherever batches were cut', async () => {
      channel = `ten:${names}`;
      let position = await append(channel, 1, 2, 3, 4);
      for (const values of [[5], [6, 7, 8, 9], [10, 11, 12], [13]])
        position = await append(channel, ...values);
      const kept = slice(await history.last(channel, 100));
      expect(textsOf(kept.publications)).toEqual(numbers(4, 13).map(String));
      for (const offset of numbers(0, 13)) {
        const recovery = recover(at(position, offset), [await read(channel, at(position, offset))], []);
        if (offset >= 3)
          expect(recovery.recovered && textsOf(recovery.publications)).toEqual(
            numbers(offset + 1, 13).map(String),
          );
        else expect(recovery).toMatchObject({ recovered: false, whyNot: 'not_kept', position });
      }
    });

    it('is cut when more is appended at once than is kept', async () => {
      channel = `ten:${names}`;
      const position = await append(channel, ...numbers(1, 25));
      expect(position.offset).toBe(25);
      expect(textsOf(slice(await history.last(channel, 100)).publications)).toEqual(
        numbers(16, 25).map(String),
      );
    });

    it('is forgotten after a while, but not the numbering', async () => {
      channel = `short:${names}`;
      const before = await append(channel, 1, 2);
      await pass(shortTtlMs + 50);
      const found = await read(channel, at(before, 1));
      expect(recover(at(before, 1), [found], [])).toMatchObject({ recovered: false, whyNot: 'not_kept' });
      // Whoever has had everything has missed nothing.
      expect(recover(before, [await read(channel, before)], [])).toMatchObject({ recovered: true });
      expect(slice(await history.last(channel, 9)).publications).toEqual([]);
      expect(await append(channel, 3)).toEqual({ ...before, offset: 3 });
      expect(recover(before, [await read(channel, before)], [])).toMatchObject({ recovered: true });
    });

    it('stays while something is published, and no read prolongs it', async () => {
      channel = `short:${names}`;
      const first = await append(channel, 1);
      await pass(shortTtlMs * 0.6);
      await append(channel, 2);
      await pass(shortTtlMs * 0.6);
      expect(textsOf((await read(channel, at(first, 0))).publications)).toEqual(['1', '2']);
      await pass(shortTtlMs * 0.6);
      expect((await read(channel, at(first, 0))).publications).toEqual([]);
    });
  });

  it('after the end takes nothing and knows nothing', async () => {
    await append(channel, 1);
    await history.stop();
    expect(await history.append(channel, [text(2)])).toEqual({ outcome: 'failed' });
    expect(await history.read(channel, { epoch: 'e', offset: 0 }, 9)).toBe(null);
    expect(await history.last(channel, 9)).toBe(null);
    expect(await history.top(channel)).toBe(null);
  });
}

/** Where an append ended, which must have been confirmed. */
export function confirmed(appended: Appended): Position {
  if (appended.outcome !== 'confirmed') throw new Error(`the outcome was ${appended.outcome}`);
  return appended.position;
}

/** What a read brought, which must have been possible. */
export function slice(found: Slice | null): Slice {
  if (found === null) throw new Error('the history cannot be asked');
  return found;
}

function at(position: Position | undefined, offset: number): Position {
  return { epoch: position?.epoch ?? '', offset };
}
