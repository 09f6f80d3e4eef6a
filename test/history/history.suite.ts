/**
 * What every history promises, whatever keeps it. Takes how to make one; each test gets its own, and a channel of its own.
 */
import { beforeEach, describe, expect, it } from 'vitest';
import type { Position, Retention, SequencedBatch } from '../../src/channel/position.ts';
import { Publication } from '../../src/channel/publication.ts';
import { type Appended, type History, maxReadBytes } from '../../src/history/history.ts';
import { recover, type Slice } from '../../src/history/recovery.ts';
import { randomNumbers } from '../support/mutate.ts';
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
  let handOut: (publications: readonly Publication[]) => void;
  let names = 0;
  let channel: string;
  beforeEach(async () => {
    received = [];
    handOut = () => {};
    names += 1;
    channel = `large:${names}`;
    const made = await make(
      (name) => retentions[name.slice(0, name.indexOf(':'))] ?? { size: 0, ttlMs: 1_000 },
      (name, { epoch, offset, publications }) => {
        received.push({ channel: name, epoch, offset, texts: textsOf(publications) });
        handOut(publications);
      },
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

    it('is forgotten without the numbering, whoever has read it before', async () => {
      channel = `short:${names}`;
      const before = await append(channel, 1, 2);
      await pass(shortTtlMs * 0.6);
      expect(await top(channel)).toEqual(before);
      await pass(shortTtlMs * 0.6);
      for (let i = 0; i < 2; i += 1) {
        const found = await read(channel, before);
        expect(recover(before, [found], [])).toMatchObject({ recovered: true, publications: [] });
      }
      expect(await append(channel, 3)).toEqual({ ...before, offset: 3 });
      expect(textsOf(slice(await history.last(channel, 9)).publications)).toEqual(['3']);
    });
  });

  describe('the latest values', () => {
    const set = (key: string, value: string | number) => text(value).withKey(key);
    const remove = (key: string) => Publication.deletion(key, 1_500);
    const latest = async (of: string) => {
      const snapshot = await history.latest(of);
      if (snapshot === null) throw new Error('the history cannot be asked');
      const { epoch, offset, publications } = snapshot;
      return { epoch, offset, values: publications.map(({ key, text: value }) => `${key}=${value}`) };
    };
    beforeEach(() => {
      channel = `latest:${names}`;
    });

    it('are the newest of each key, at the position of the channel, in the order of offsets', async () => {
      const start = await top(channel);
      expect(await latest(channel)).toEqual({ ...start, values: [] });
      await history.append(channel, [set('a', 1), set('b', 1), text('no key'), set('c', 1)]);
      await history.append(channel, [set('a', 2), remove('b'), set('d', 1), set('d', 2)]);
      await history.append(channel, [remove('d'), remove('never'), set('b', 3)]);
      expect(await latest(channel)).toEqual({ ...start, offset: 11, values: ['c=1', 'a=2', 'b=3'] });
    });

    it('bring back every kind byte for byte, and its time', async () => {
      const key = '__proto__ ü 🙂';
      const bytes = Uint8Array.of(0, 255, 10);
      const appended = history.append(channel, [
        Publication.binary(bytes, 1_600).withKey(key),
        Publication.json('{"a": 1.0}', 1_600).withKey('k'.repeat(128)),
        Publication.text('', 1_600).withKey('empty'),
      ]);
      bytes.fill(7);
      await appended;
      const snapshot = await history.latest(channel);
      expect(snapshot?.publications.map((each) => [each.key, each.kind, each.time])).toEqual([
        [key, 'binary', 1_600],
        ['k'.repeat(128), 'json', 1_600],
        ['empty', 'text', 1_600],
      ]);
      expect([...(snapshot?.publications[0]?.bytes ?? [])]).toEqual([0, 255, 10]);
      expect(snapshot?.publications[1]?.text).toBe('{"a": 1.0}');
      expect(snapshot?.publications[2]?.text).toBe('');
    });

    it('are handed out as they were published, deletions too', async () => {
      const handed: [string | null, string, string][] = [];
      handOut = (publications) =>
        handed.push(
          ...publications.map(({ key, kind, text: value }): (typeof handed)[0] => [key, kind, value]),
        );
      await history.append(channel, [set('a', 1), remove('a'), text('x')]);
      await until(
        () => handed.length,
        (count) => count === 3,
      );
      expect(handed).toEqual([
        ['a', 'text', '1'],
        ['a', 'deleted', ''],
        [null, 'text', 'x'],
      ]);
    });

    it('stand beside a history, which holds the keys too', async () => {
      channel = `both:${names}`;
      const end = confirmed(
        await history.append(channel, [set('a', 1), set('a', 2), remove('a'), set('b', 3)]),
      );
      const { publications } = await read(channel, at(end, 0));
      expect(publications.map(({ key, kind }) => [key, kind])).toEqual([
        ['a', 'text'],
        ['a', 'text'],
        ['a', 'deleted'],
        ['b', 'text'],
      ]);
      expect(await latest(channel)).toEqual({ ...end, values: ['b=3'] });
    });

    it('without a history the last publications can be missed by one, and the numbering goes on', async () => {
      const end = confirmed(await history.append(channel, [set('a', 1)]));
      await history.append(channel, [set('a', 2)]);
      await history.append(channel, [set('a', 3)]);
      expect(recover(at(end, 2), [await read(channel, at(end, 2))], [])).toMatchObject({ recovered: true });
      expect(recover(end, [await read(channel, end)], [])).toMatchObject({ whyNot: 'not_kept' });
    });

    it('have no more keys than allowed; what replaces or deletes always has room', async () => {
      channel = `three:${names}`;
      await history.append(channel, [set('a', 1), set('b', 1), set('c', 1)]);
      expect(await history.append(channel, [set('d', 1)])).toEqual({ outcome: 'refused' });
      expect(await history.append(channel, [set('a', 2), set('d', 1)], 'k')).toEqual({ outcome: 'refused' });
      expect((await append(channel, 'no key')).offset).toBe(4);
      confirmed(await history.append(channel, [set('a', 2)]));
      confirmed(await history.append(channel, [remove('b'), set('d', 1)], 'k'));
      expect((await latest(channel)).values).toEqual(['c=1', 'a=2', 'd=1']);
      expect((await top(channel)).offset).toBe(7);
    });

    it('have no more bytes than allowed, with 20 for each key', async () => {
      channel = `tight:${names}`;
      confirmed(await history.append(channel, [set('ü', 'x'.repeat(78))]));
      expect(await history.append(channel, [set('b', 'x'.repeat(80))])).toEqual({ outcome: 'refused' });
      confirmed(await history.append(channel, [set('b', 'x'.repeat(79))]));
      expect(await history.append(channel, [set('b', 'x'.repeat(80))])).toEqual({ outcome: 'refused' });
      expect(await history.append(channel, [set('c', '')])).toEqual({ outcome: 'refused' });
      confirmed(await history.append(channel, [remove('ü')]));
      confirmed(await history.append(channel, [set('b', 'x'.repeat(80))]));
      expect((await latest(channel)).values).toEqual([`b=${'x'.repeat(80)}`]);
    });

    it('refuse what has no room and nothing else, when much is published at the same time, in order', async () => {
      channel = `three:${names}`;
      const said = [];
      for (let n = 0; n < 20; n += 1) {
        said.push(history.append(channel, [set('abcde'[n % 5] as string, n)]), append(channel, `plain ${n}`));
        if (n === 7) said.push(history.append(channel, [set('a', 'keyed')], 'k'));
      }
      const outcomes = await Promise.all(said);
      const refused = outcomes.filter((each) => 'outcome' in each && each.outcome === 'refused');
      expect(refused).toHaveLength(8);
      expect((await latest(channel)).values).toEqual(['a=15', 'b=16', 'c=17']);
      const expected = numbers(0, 19).flatMap((n) => [
        ...(n % 5 < 3 ? [String(n)] : []),
        `plain ${n}`,
        ...(n === 7 ? ['keyed'] : []),
      ]);
      // The one with an idempotency key stands where it was asked for.
      const kept = textsOf(slice(await history.last(channel, 100)).publications);
      expect(kept).toEqual(expected.slice(-10));
      await until(
        () => receivedOf(channel).flatMap(({ texts }) => texts),
        (texts) => texts.length >= expected.length,
      );
      expect(
        receivedOf(channel)
          .flatMap(({ texts }) => texts)
          .sort(),
      ).toEqual([...expected].sort());
      const offsets = receivedOf(channel).flatMap(({ offset, texts }) =>
        texts.map((_, i) => offset - texts.length + i),
      );
      expect(offsets).toEqual(numbers(0, expected.length - 1));
    });

    it('are one key each under one idempotency key, which may be used again after a refusal', async () => {
      channel = `three:${names}`;
      await history.append(channel, [set('a', 1), set('b', 1), set('c', 1)]);
      expect(await history.append(channel, [set('d', 1)], 'd')).toEqual({ outcome: 'refused' });
      await history.append(channel, [remove('a')]);
      expect(await history.append(channel, [set('d', 1)], 'd')).toMatchObject({ duplicate: false });
      await history.append(channel, [set('d', 2)]);
      expect(await history.append(channel, [set('d', 1)], 'd')).toMatchObject({ duplicate: true });
      expect((await latest(channel)).values).toEqual(['b=1', 'c=1', 'd=2']);
    });

    it('outlive the history', async () => {
      channel = `brief:${names}`;
      const end = confirmed(await history.append(channel, [set('a', 1)]));
      await pass(shortTtlMs + 50);
      expect(await latest(channel)).toEqual({ ...end, values: ['a=1'] });
      confirmed(await history.append(channel, [set('b', 1)]));
      expect(await latest(channel)).toEqual({ ...end, offset: 2, values: ['a=1', 'b=1'] });
    });

    it('of a channel that keeps none are not there', async () => {
      expect(await history.latest(`large:${names}`)).toBe(null);
      expect(await history.latest(`none:${names}`)).toBe(null);
    });

    it('are what the publications come to, whatever they are', async () => {
      channel = `three:${names}`;
      const random = randomNumbers(20_264);
      const model = new Map<string, string>();
      for (let round = 0; round < 60; round += 1) {
        const publications = Array.from({ length: 1 + random(4) }, () => {
          const key = 'abcde'[random(5)] as string;
          return random(3) === 0 ? remove(key) : set(key, round);
        });
        const before = model.size;
        const after = new Map(model);
        for (const { key, kind, text: value } of publications) {
          after.delete(key as string);
          if (kind !== 'deleted') after.set(key as string, value);
        }
        const { outcome } = await history.append(channel, publications);
        const fits = after.size <= 3 || after.size <= before;
        expect(outcome).toBe(fits ? 'confirmed' : 'refused');
        if (fits) {
          model.clear();
          for (const [key, value] of after) model.set(key, value);
        }
        const { values } = await latest(channel);
        expect(values).toEqual(Array.from(model, ([key, value]) => `${key}=${value}`));
      }
    });
  });

  it('after the end takes nothing and knows nothing', async () => {
    await append(channel, 1);
    await history.stop();
    expect(await history.append(channel, [text(2)])).toEqual({ outcome: 'failed' });
    expect(await history.read(channel, { epoch: 'e', offset: 0 }, 9)).toBe(null);
    expect(await history.last(channel, 9)).toBe(null);
    expect(await history.top(channel)).toBe(null);
    expect(await history.latest(`latest:${names}`)).toBe(null);
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
