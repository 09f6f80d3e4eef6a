/**
 * Any course of events costs nothing, or is told: see `test/support/recovery-play.ts`.
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { play } from '../../test/support/recovery-play.ts';

function steps(...kinds: string[]) {
  return fc.array(fc.tuple(fc.constantFrom('publish', 'publish', 'hear', ...kinds), fc.nat(30)), {
    minLength: 5,
    maxLength: 60,
  });
}

describe('whatever happens', () => {
  it('on the way to a node that keeps enough: all comes once, in order, and there is no gap', async () => {
    await fc.assert(
      fc.asyncProperty(steps('cut', 'cut', 'subscribe', 'leave', 'mark', 'repeat', 'wait'), async (all) => {
        const ledgers = await play({ size: 1_000 }, all);
        expect(ledgers.map(({ gaps }) => gaps)).toEqual(ledgers.map(() => 0));
      }),
      { numRuns: 300 },
    );
  });

  it('on ways that lose and swap, with histories that are short or forgotten: nothing is missing without a word', async () => {
    const faults = ['cut', 'subscribe', 'leave', 'mark', 'repeat', 'wait', 'lose', 'lose', 'swap', 'forget'];
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(1, 4, 20, 1_000), steps(...faults), async (size, all) => {
        await play({ size }, all);
      }),
      { numRuns: 500 },
    );
  });

  it('with short histories, snapshots and clients that are too slow: the state is the fold of all that was published', async () => {
    const events = ['cut', 'cut', 'subscribe', 'leave', 'mark', 'repeat', 'wait', 'conflate', 'forget'];
    const options = fc.record({
      size: fc.constantFrom(1, 4, 20, 1_000),
      lastBeforeSnapshot: fc.boolean(),
      latest: fc.constant(true),
    });
    await fc.assert(
      fc.asyncProperty(options, steps(...events), async (each, all) => {
        await play(each, all);
      }),
      { numRuns: 500 },
    );
  });
});
