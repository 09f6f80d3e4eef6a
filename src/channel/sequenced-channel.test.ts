import { beforeEach, describe, expect, test } from 'vitest';
import { FakeClock } from '../../test/support/fake-clock.ts';
import { SlowHistory, settled } from '../../test/support/slow-history.ts';
import { Metrics } from '../metrics/metrics.ts';
import { Gate } from './gate.ts';
import type { Position } from './position.ts';
import { Publication } from './publication.ts';
import { SequencedChannel } from './sequenced-channel.ts';

let clock: FakeClock;
let history: SlowHistory;
let metrics: Metrics['history'];
let gate: Gate;
let channel: SequencedChannel;
/** What the room was given, and what it was told. */
let room: string[];
let told: boolean;
/** What is published on other nodes arrives. */
let reached: boolean;

beforeEach(async () => {
  clock = new FakeClock();
  history = new SlowHistory(5);
  metrics = new Metrics().history;
  gate = new Gate({ maxInside: 1, maxWaiting: 10, clock });
  room = [];
  told = false;
  reached = true;
  channel = new SequencedChannel('a', {
    history,
    hub: {
      broadcastSequenced: (_channel, publications) => void room.push(...publications.map(({ text }) => text)),
      moveTo(_channel, { epoch, offset }, reason) {
        room.push(`${reason} ${epoch} ${offset}`);
        return told;
      },
      healed: () => void room.push('healed'),
      replace(_channel, reason, { epoch, offset, publications }) {
        room.push(`snapshot ${reason} ${epoch} ${offset}`, ...publications.map(({ text }) => text));
        return true;
      },
    },
    reaches: () => reached,
    gate,
    maxTailBytes: 1_000,
    clock,
    metrics,
    onTailBytes: (difference) => {
      metrics.tailBytes.value += difference;
    },
  });
  history.start((_name, batch) => channel.receive(batch));
});

/** Lets reads look and answer until nobody asks any more. */
async function calm(): Promise<void> {
  await settled();
  while (history.look() || history.answer()) await settled();
}

async function begun(): Promise<void> {
  const settling = channel.settle();
  await calm();
  expect(await settling).toBe(true);
  room.length = 0;
  told = true;
}

function publish(...texts: string[]): void {
  for (const text of texts) history.publish('a', text);
}

function lose(...texts: string[]): void {
  publish(...texts);
  history.frames.length = 0;
}

const deliver = () => {
  while (history.deliver());
};
const phantom = (position: Position) =>
  history.hand('a', { ...position, publications: [Publication.text('phantom', 0)] });

describe('who was told that something may not arrive', () => {
  test('is told when nothing is missing any more, behind what was missed', async () => {
    await begun();
    lose('1', '2');
    channel.doubt();
    channel.degraded = true;
    void channel.settle();
    await calm();
    expect(room).toEqual(['1', '2', 'healed']);
    channel.doubt();
    void channel.settle();
    await calm();
    expect(room).toHaveLength(3);
  });

  test('is told nothing while the history cannot be asked, or others are out of reach', async () => {
    await begun();
    channel.degraded = true;
    history.available = false;
    void channel.heal();
    await calm();
    history.available = true;
    reached = false;
    void channel.heal();
    await calm();
    expect(room).toEqual([]);
    reached = true;
    void channel.heal();
    await calm();
    expect(room).toEqual(['healed']);
  });
});

describe('a channel with history', () => {
  test('begins where the history stands', async () => {
    lose('1', '2');
    const settling = channel.settle();
    await calm();
    expect(await settling).toBe(true);
    expect(channel.tail.position).toEqual({ epoch: 'e0', offset: 2 });
    expect(channel.doubtful).toBe(false);
  });

  test('hands on what continues it, once', async () => {
    await begun();
    publish('1', '2');
    deliver();
    history.hand('a', { epoch: 'e0', offset: 2, publications: [Publication.text('2', 0)] });
    expect(room).toEqual(['1', '2']);
    expect(history.reads).toEqual([]);
  });

  test('fetches what is missing, and what came meanwhile waits', async () => {
    await begun();
    lose('1');
    publish('2');
    deliver();
    publish('3');
    deliver();
    expect(room).toEqual([]);
    await calm();
    publish('4');
    deliver();
    expect(room).toEqual(['1', '2', '3', '4']);
    expect(metrics.heals.values).toMatchObject({ healed: 1, gap: 0 });
  });

  test('tells of what is not kept any more, and goes on with what is', async () => {
    await begun();
    lose('1', '2', '3', '4', '5', '6');
    publish('7');
    deliver();
    await calm();
    expect(room).toEqual(['not_kept e0 2', '3', '4', '5', '6', '7']);
    expect(metrics.heals.values).toMatchObject({ healed: 0, gap: 1 });
  });

  test('tells of another epoch, and goes on with all that is kept of it', async () => {
    await begun();
    publish('1');
    deliver();
    history.renew();
    lose('one', 'two');
    publish('three');
    deliver();
    await calm();
    expect(room).toEqual(['1', 'epoch_changed e1 0', 'one', 'two', 'three']);
  });

  test('tells of another epoch once if not all of that is kept, and has what waits before it', async () => {
    await begun();
    history.renew();
    lose('one', 'two');
    for (const text of ['3', '4', '5', '6', '7', '8']) {
      publish(text);
      deliver();
    }
    await calm();
    expect(room).toEqual(['epoch_changed e1 2', '3', '4', '5', '6', '7', '8']);
    room.length = 0;
    history.renew();
    lose('one', 'two', 'three', 'four', 'five', 'six');
    void channel.heal();
    await calm();
    expect(room).toEqual(['epoch_changed e2 1', 'two', 'three', 'four', 'five', 'six']);
  });

  test('gets nothing twice when another server goes on with the same numbers', async () => {
    await begun();
    publish('1', '2', '3', '4');
    deliver();
    history.takeOver('3', '4');
    void channel.heal();
    await calm();
    expect(room.slice(4)).toEqual(['epoch_changed 1.e0 2']);
    room.length = 0;
    publish('three', 'four');
    deliver();
    await calm();
    expect(room).toEqual(['three', 'four']);
    room.length = 0;
    history.takeOver('four');
    lose('5', '6', '7');
    void channel.heal();
    await calm();
    // Of 5 nobody knows whether it is the fourth one that the room has.
    expect(room).toEqual(['epoch_changed 2.e0 4', '6', '7']);
  });

  test('gets nothing twice when an epoch comes again', async () => {
    await begun();
    publish('1', '2');
    deliver();
    const { epoch, log } = history;
    history.renew();
    publish('one');
    deliver();
    await calm();
    Object.assign(history, { epoch, log });
    lose('3');
    void channel.heal();
    await calm();
    expect(room).toEqual(['1', '2', 'epoch_changed e1 0', 'one', 'epoch_changed e0 2', '3']);
  });

  test('believes nothing that the history does not know', async () => {
    await begun();
    publish('1');
    deliver();
    for (const position of [
      { epoch: 'another', offset: 1 },
      { epoch: 'e0', offset: 1_000 },
      { epoch: 'e0', offset: 1 },
    ]) {
      phantom(position);
      await calm();
    }
    publish('2');
    deliver();
    expect(room).toEqual(['1', '2']);
    expect(metrics.batchesRejected.value).toBe(2);
  });

  test('believes what came after the history was looked at', async () => {
    await begun();
    lose('1');
    publish('2');
    deliver();
    await settled();
    history.look();
    publish('3', '4');
    history.frames.shift();
    deliver();
    await calm();
    expect(room).toEqual(['1', '2', '3', '4']);
    expect(metrics.batchesRejected.value).toBe(0);
  });

  test('drops what waits when it is too much, and fetches it', async () => {
    await begun();
    lose('1');
    for (let i = 0; i < 3; i += 1) {
      publish('x'.repeat(300));
      deliver();
    }
    await calm();
    expect(room.map((text) => text.length)).toEqual([1, 300, 300, 300]);
  });
});

describe('while the history cannot be asked', () => {
  test('it stays in doubt, and asks again when somebody wants to know', async () => {
    await begun();
    history.available = false;
    channel.doubt();
    lose('1');
    const settling = channel.settle();
    await calm();
    expect(await settling).toBe(false);
    expect(channel.doubtful).toBe(true);
    expect(metrics.heals.values.unavailable).toBe(1);
    history.available = true;
    await begunAgain();
    expect(room).toEqual(['1']);
  });

  async function begunAgain(): Promise<void> {
    const settling = channel.settle();
    await calm();
    expect(await settling).toBe(true);
  }

  test('it is asked again for what waits, and after five seconds that goes on with a gap', async () => {
    await begun();
    history.available = false;
    lose('1');
    publish('2');
    deliver();
    for (let tenths = 0; tenths < 49; tenths += 1) {
      await calm();
      clock.advance(100);
    }
    expect(room).toEqual([]);
    clock.advance(200);
    await calm();
    expect(room).toEqual(['not_kept e0 1', '2']);
    expect(channel.doubtful).toBe(true);
  });
});

test('a doubt that comes up during a read is looked into by another one', async () => {
  await begun();
  channel.doubt();
  const settling = channel.settle();
  await settled();
  history.look();
  lose('1');
  channel.doubt();
  await calm();
  expect(await settling).toBe(true);
  expect(room).toEqual(['1']);
});

test('nothing happens any more when it is closed', async () => {
  await begun();
  lose('1');
  publish('2');
  deliver();
  channel.close();
  await calm();
  expect(room).toEqual([]);
  expect(metrics.tailBytes.value).toBe(0);
  expect(gate.count).toBe(0);
});
