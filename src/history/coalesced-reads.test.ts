import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Position } from '../channel/position.ts';
import { Publication } from '../channel/publication.ts';
import { CoalescedReads } from './coalesced-reads.ts';
import type { Slice } from './recovery.ts';

const epoch = 'g.c';

/** A channel that keeps `oldest` to `top`, and answers when it is told to. */
class SlowHistory {
  readonly reads: { channel: string; since: Position; maxPublications: number }[] = [];
  readonly #answers: (() => void)[] = [];
  top: number;
  available = true;
  readonly #oldest: number;
  readonly #pageSize: number;

  constructor({ top = 100, oldest = 1, pageSize = 1_000 } = {}) {
    this.top = top;
    this.#oldest = oldest;
    this.#pageSize = pageSize;
  }

  read(channel: string, since: Position, maxPublications: number): Promise<Slice | null> {
    this.reads.push({ channel, since, maxPublications });
    return new Promise((resolve) => this.#answers.push(() => resolve(this.answer(since, maxPublications))));
  }

  answer({ epoch: of, offset }: Position, maxPublications: number): Slice | null {
    const { top } = this;
    if (!this.available) return null;
    const first = Math.max(offset + 1, this.#oldest);
    const count = Math.min(top - first + 1, maxPublications, this.#pageSize);
    if (of !== epoch || count <= 0) return { epoch, offset: top, publications: [], top };
    const publications = Array.from({ length: count }, (_, i) => Publication.text(String(first + i), 0));
    return { epoch, offset: first + count - 1, publications, top };
  }

  /** Answers what is asked, and what is asked because of it. */
  async answerAll(): Promise<void> {
    for (let next = this.#answers.shift(); next !== undefined; next = this.#answers.shift()) {
      next();
      await new Promise((resolve) => setImmediate(resolve));
    }
  }
}

const shown = (slice: Slice | null) =>
  slice && { ...slice, publications: slice.publications.map(({ text }) => Number(text)) };

function make(options: ConstructorParameters<typeof SlowHistory>[0] = {}) {
  const history = new SlowHistory(options);
  return { history, reads: new CoalescedReads(history) };
}

describe('those who ask while a read is under way', () => {
  test('share the next one, from the lowest offset on, and each gets his part', async () => {
    const { history, reads } = make();
    const first = reads.read('a', { epoch, offset: 98 }, 10);
    const others = [90, 50, 97, 100].map((offset) => reads.read('a', { epoch, offset }, 100));
    expect(history.reads.length).toBe(1);
    await history.answerAll();
    expect(history.reads.map(({ since }) => since.offset)).toEqual([98, 50]);
    expect(shown(await first)?.publications).toEqual([99, 100]);
    expect((await Promise.all(others)).map((slice) => shown(slice)?.publications.length)).toEqual([
      10, 50, 3, 0,
    ]);
  });

  test('see what was published between their question and the answer of the one before', async () => {
    const { history, reads } = make();
    const early = reads.read('a', { epoch, offset: 99 }, 10);
    history.top = 100;
    const late = reads.read('a', { epoch, offset: 99 }, 10);
    history.top = 103;
    await history.answerAll();
    expect(shown(await early)?.top).toBe(103);
    expect(shown(await late)?.publications).toEqual([100, 101, 102, 103]);
    expect(history.reads.length).toBe(2);
  });

  test('wait for another one if the answer was cut before their position', async () => {
    const { history, reads } = make({ pageSize: 10 });
    const blocking = reads.read('a', { epoch, offset: 100 }, 1);
    const low = reads.read('a', { epoch, offset: 0 }, 1_000);
    const high = reads.read('a', { epoch, offset: 95 }, 1_000);
    await history.answerAll();
    expect(shown(await low)).toMatchObject({ offset: 10, top: 100 });
    expect(shown(await high)?.publications).toEqual([96, 97, 98, 99, 100]);
    await blocking;
    expect(history.reads.length).toBe(3);
  });

  test('have nothing to do with other channels and other epochs', async () => {
    const { history, reads } = make();
    const all = [
      reads.read('a', { epoch, offset: 99 }, 10),
      reads.read('b', { epoch, offset: 0 }, 10),
      reads.read('a', { epoch: 'forged', offset: 0 }, 10),
    ];
    expect(history.reads.length).toBe(3);
    await history.answerAll();
    expect((await Promise.all(all)).map((slice) => slice?.publications.length)).toEqual([1, 10, 0]);
  });

  test('are all told when there is no answer, and the next one asks again', async () => {
    const { history, reads } = make();
    history.available = false;
    const all = [1, 2, 3].map((offset) => reads.read('a', { epoch, offset }, 10));
    await history.answerAll();
    expect(await Promise.all(all)).toEqual([null, null, null]);
    history.available = true;
    const again = reads.read('a', { epoch, offset: 99 }, 10);
    await history.answerAll();
    expect(shown(await again)?.publications).toEqual([100]);
  });
});

test('a thousand who come back at once cost two reads', async () => {
  const { history, reads } = make();
  const all = Array.from({ length: 1_000 }, (_, i) => reads.read('a', { epoch, offset: i % 101 }, 1_000));
  await history.answerAll();
  for (const [i, slice] of (await Promise.all(all)).entries())
    expect(slice?.publications.length).toBe(100 - (i % 101));
  expect(history.reads.length).toBe(2);
});

test('whoever asks for whatever gets what he would have got alone, or the beginning of it', async () => {
  const request = fc.record({
    offset: fc.integer({ min: 0, max: 120 }),
    maxPublications: fc.integer({ min: 1, max: 120 }),
    forged: fc.integer({ min: 0, max: 9 }).map((n) => n === 0),
  });
  await fc.assert(
    fc.asyncProperty(
      fc.array(request, { minLength: 1, maxLength: 12 }),
      fc.integer({ min: 1, max: 101 }),
      fc.integer({ min: 1, max: 120 }),
      async (requests, oldest, pageSize) => {
        const { history, reads } = make({ oldest, pageSize });
        const all = requests.map(({ offset, maxPublications, forged }) =>
          reads.read('a', { epoch: forged ? 'forged' : epoch, offset }, maxPublications),
        );
        await history.answerAll();
        for (const [i, slice] of (await Promise.all(all)).entries()) {
          const { offset = 0, maxPublications = 1, forged } = requests[i] ?? {};
          const alone = shown(history.answer({ epoch: forged ? 'forged' : epoch, offset }, maxPublications));
          const got = shown(slice);
          expect(alone?.publications.slice(0, got?.publications.length)).toEqual(got?.publications);
          if (alone?.publications.length) expect(got?.publications.length).toBeGreaterThan(0);
          else expect(got).toEqual(alone);
        }
      },
    ),
  );
});
