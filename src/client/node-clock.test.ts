import { expect, it } from 'vitest';
import { FakeClock } from '../../test/support/fake-clock.ts';
import { NodeClock } from './node-clock.ts';
import { Publication } from './publication.ts';

it('takes the middle of the round trip as the moment at which the node read its clock', () => {
  const clock = new FakeClock();
  const nodeClock = new NodeClock(clock);
  const askedAt = clock.now();
  clock.advance(80);
  nodeClock.answered(askedAt, 1_000_000);
  expect(nodeClock.now()).toBe(1_000_040);
  clock.advance(60);
  expect(nodeClock.now()).toBe(1_000_100);
});

it('believes the answer with the shortest round trip, until there is another node', () => {
  const clock = new FakeClock();
  const nodeClock = new NodeClock(clock);
  const answer = (roundTripMs: number, nodeTime: number) => {
    const askedAt = clock.now();
    clock.advance(roundTripMs);
    nodeClock.answered(askedAt, nodeTime);
  };
  answer(10, 1_000_000);
  answer(400, 7_000_000);
  expect(nodeClock.now()).toBe(1_000_405);
  nodeClock.forget();
  answer(400, 7_000_000);
  expect(nodeClock.now()).toBe(7_000_200);
});

it('gives publications an age that grows and is never below 0', () => {
  const clock = new FakeClock();
  const nodeClock = new NodeClock(clock);
  nodeClock.answered(clock.now(), 1_000_000);
  const publication = new Publication(
    'chat',
    { data: 'hi', kind: 'text', key: null, deleted: false },
    {
      sequence: 1,
      epoch: null,
      offset: null,
      time: 1_000_005,
      nodeClock,
    },
  );
  expect(publication.age).toBe(0);
  clock.advance(25);
  expect(publication.age).toBe(20);
});
