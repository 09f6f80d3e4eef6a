import { beforeEach, describe, expect, test } from 'vitest';
import { FakeClock } from '../../test/support/fake-clock.ts';
import { Publication } from '../channel/publication.ts';
import { type OutgoingFrame, OutgoingFrames } from './outgoing-frames.ts';

const text = Publication.text('hi', 0);

let clock: FakeClock;
let sent: OutgoingFrame[];
let frames: OutgoingFrames;

beforeEach(() => {
  clock = new FakeClock();
  sent = [];
  frames = new OutgoingFrames({
    shards: 4,
    sender: { nodeId: 'node', bootId: 'boot' },
    batch: { maxDelayMs: 2, maxBytes: 10_000, maxItems: 3 },
    clock,
    send: (frame) => sent.push(frame),
  });
});

describe('outgoing frames', () => {
  test('gather a turn, per shard', () => {
    frames.add(1, 'a', text);
    frames.add(2, 'b', text);
    frames.add(1, 'c', text);
    expect(sent).toEqual([]);
    clock.endTurn();
    expect(sent.map(({ shard, count }) => [shard, count])).toEqual([
      [1, 2],
      [2, 1],
    ]);
  });

  test('tell all who wait for the same frame, and nobody else', async () => {
    frames.add(1, 'a', text);
    const first = frames.addConfirmed(1, 'a', text);
    expect(frames.addConfirmed(1, 'a', text)).toBe(first);
    const next = frames.addConfirmed(1, 'a', text);
    expect(next).not.toBe(first);
    frames.flush();
    expect(sent).toHaveLength(2);
    sent[1]?.settle('failed');
    sent[0]?.settle('confirmed');
    expect([await first, await next]).toEqual(['confirmed', 'failed']);
  });

  test('know the number of the last frame of each shard, whatever became of it', () => {
    frames.add(1, 'a', text);
    frames.flush();
    frames.add(1, 'a', text);
    frames.add(3, 'a', text);
    frames.flush();
    frames.flush();
    expect(frames.lastSequences([0, 1, 3])).toEqual(
      new Map([
        [1, 2],
        [3, 1],
      ]),
    );
    expect(frames.lastSequences([0, 3])).toEqual(new Map([[3, 1]]));
    expect(sent).toHaveLength(3);
  });
});
