/**
 * The scenarios in which many have to be brought to where a channel stands, small: everybody gets exactly what he should.
 */
import { expect, test } from 'vitest';
import { figuresOf } from '../support/bench.ts';

const patienceMs = 120_000;
const nothingWrong = { lost: 0, twice: 0, corrupted: 0, refused: 0, cutOff: 0, turnedAway: 0 };

interface Run {
  system: string;
  afterMs: { first: number; last: number };
  wireBytes: number;
  counted: { redisReads?: number };
  found: object;
}

test.concurrent(
  'recovery brings everybody what he has missed, on every system',
  async () => {
    const { figures, text } = await figuresOf('recovery', '--clients', '20', '--missed', '10');
    const ran = (figures.raw as Run[]).map(({ system }) => system);
    expect(ran).toEqual(
      ['socket.io', 'socket.io again', 'centrifuge', 'outcry-bun', 'outcry-node']
        .concat('outcry-redis', 'outcry-redis-other-node')
        .filter((name) => name !== 'centrifuge' || !text.includes('centrifuge was left out')),
    );
    for (const { system, afterMs, wireBytes, counted, found } of figures.raw as Run[]) {
      expect(found, system).toMatchObject(nothingWrong);
      expect(afterMs.first, system).toBeGreaterThan(0);
      expect(afterMs.last, system).toBeGreaterThanOrEqual(afterMs.first);
      expect(wireBytes, system).toBeGreaterThan(20 * 10 * 100);
      // Nobody has heard of the channel there: the history is asked, and not once for each.
      if (system === 'outcry-redis-other-node') {
        expect(counted.redisReads).toBeGreaterThan(0);
        expect(counted.redisReads).toBeLessThan(20);
      }
    }
  },
  patienceMs,
);

test.concurrent(
  'snapshot brings every new subscriber all values',
  async () => {
    const { figures } = await figuresOf('snapshot', '--clients', '20', '--keys', '50', '--rounds', '1');
    const [{ memory }, ...runs] = figures.raw as [{ memory: { inRedis: number } }, ...Run[]];
    expect(memory.inRedis).toBeGreaterThan(50 * 100);
    expect(runs.length).toBe(5);
    for (const { system, afterMs, wireBytes, found } of runs) {
      expect(found, system).toMatchObject(nothingWrong);
      expect(afterMs.last, system).toBeGreaterThan(0);
      expect(wireBytes, system).toBeGreaterThan(20 * 50 * 100);
    }
  },
  patienceMs,
);
