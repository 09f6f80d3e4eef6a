/**
 * Channels with history on a node that is alone, in both codecs: what docs/protocol.md promises of positions and recovery.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Follower, positionIn, type Wish } from '../support/follower.ts';
import { apiOf } from '../support/sequenced-api.ts';
import { TestClient } from '../support/client.ts';
import type { Subprotocol } from '../support/native-client.ts';
import { startNode, type TestNode } from '../support/node.ts';

let node: TestNode;
beforeAll(async () => {
  node = await startNode([
    '--namespaces',
    '{"h": {"historySize": 100}, "five": {"historySize": 5}, "big": {"historySize": 10000}}',
    ...['--tail-max-bytes', '4096', '--recovery-max-publications', '2000'],
    ...['--recovery-max-bytes', '524288'],
  ]);
});
afterAll(() => node.stop());

let names = 0;
const channelIn = (namespace: string) => {
  names += 1;
  return `${namespace}:${names}`;
};
const numbers = (first: number, last: number) =>
  Array.from({ length: last - first + 1 }, (_, i) => String(first + i));

describe.each<Subprotocol>(['outcry.v1.json', 'outcry.v1.msgpack'])('%s', (subprotocol) => {
  const join = (channel: string, wish?: Wish) => Follower.join(node.url, channel, wish, subprotocol);
  const publishAll = async (follower: Follower, texts: readonly string[]) => {
    const published = await Promise.all(texts.map((text) => follower.publish(text)));
    return published.map(positionIn);
  };

  it('tells the position at which somebody joins, of each publication, and with each batch', async () => {
    const follower = await join(channelIn('h'));
    expect(follower.standing).toMatchObject({ degraded: false, recovered: null });
    expect(follower.position?.offset).toBe(0);
    const positions = await publishAll(follower, ['a', 'b', 'c']);
    expect(positions.map(({ offset }) => offset)).toEqual([1, 2, 3]);
    await follower.hears(3);
    expect(follower.position).toEqual(positions[2]);
    expect(follower.faults).toEqual([]);
    await follower.close();
  });

  it('a channel without history has no positions', async () => {
    const follower = await join('plain', { since: { epoch: 'e', offset: 1 } });
    expect(follower.standing).toEqual({
      ...{ degraded: false, position: null, recovered: false, reason: 'no_history' },
    });
    const key = `key ${subprotocol}`;
    expect(await follower.publish('x', key)).toMatchObject({ duplicate: false });
    expect(await follower.publish('x', key)).toMatchObject({ duplicate: true });
    await follower.close();
  });

  it.each([
    ['from what the node has at hand', 10],
    ['from the history, page by page', 2_000],
  ])('gives back exactly what was missed, %s', async (_from, count) => {
    const channel = channelIn('big');
    const [speaker, listener] = [await join(channel), await join(channel)];
    await publishAll(speaker, ['heard']);
    await listener.hears(1);
    const { position } = listener;
    await listener.close();
    await publishAll(speaker, numbers(1, count));
    const back = await join(channel, { since: position as NonNullable<typeof position> });
    expect(back.standing).toMatchObject({ recovered: true, reason: null });
    await publishAll(speaker, ['live']);
    expect(await back.hears(count + 1)).toEqual([...numbers(1, count), 'live']);
    expect(back.faults).toEqual([]);
    await Promise.all([speaker.close(), back.close()]);
  });

  it('gives the last ones, as many as asked for or kept', async () => {
    const channel = channelIn('five');
    const speaker = await join(channel);
    await publishAll(speaker, numbers(1, 12));
    for (const [last, expected] of [
      [3, numbers(10, 12)],
      [10_000, numbers(8, 12)],
      [0, []],
    ] as const) {
      const late = await join(channel, { last });
      expect(await late.hears(expected.length)).toEqual(expected);
      expect(late.standing).toMatchObject({ recovered: null, position: { offset: 12 } });
      expect(late.faults).toEqual([]);
      await late.close();
    }
    // Nobody is there any more, and nothing is at hand.
    await speaker.close();
    await node.untilMetric('outcry_history_tail_bytes', 0);
    const alone = await join(channel, { last: 2 });
    expect(await alone.hears(2)).toEqual(numbers(11, 12));
    await alone.close();
  });

  it('says why not', async () => {
    const channel = channelIn('five');
    const speaker = await join(channel);
    await publishAll(speaker, numbers(1, 12));
    await speaker.hears(12);
    const { epoch } = speaker.position as NonNullable<typeof speaker.position>;
    await speaker.close();
    for (const [since, reason] of [
      [{ epoch: 'another', offset: 3 }, 'epoch_changed'],
      [{ epoch, offset: 3 }, 'not_kept'],
      [{ epoch, offset: 13 }, 'ahead'],
      [{ epoch, offset: -1 }, 'ahead'],
      [{ epoch, offset: 1.5 }, 'ahead'],
      [{ epoch, offset: 2 ** 60 }, 'ahead'],
    ] as const) {
      const back = await join(channel, { since });
      expect(back.standing).toEqual({
        ...{ degraded: false, position: { epoch, offset: 12 }, recovered: false, reason },
      });
      expect(back.texts).toEqual([]);
      await back.close();
    }
  });

  it('gives nothing of what is too much', async () => {
    const channel = channelIn('big');
    const speaker = await join(channel);
    const start = speaker.position as NonNullable<typeof speaker.position>;
    await publishAll(speaker, numbers(1, 2_001));
    const back = await join(channel, { since: start });
    expect(back.standing).toMatchObject({ recovered: false, reason: 'too_much' });
    await publishAll(speaker, ['live']);
    expect(await back.hears(1)).toEqual(['live']);
    expect(back.faults).toEqual([]);
    const large = 'x'.repeat(60_000);
    for (let i = 0; i < 10; i += 1) await publishAll(speaker, [large]);
    expect(await speaker.subscribe({ since: { ...start, offset: 2_002 } })).toMatchObject({
      ...{ recovered: false, reason: 'too_much' },
    });
    // Of the last ones as many as fit.
    const late = await join(channel, { last: 10 });
    expect(await late.hears(5)).toEqual(new Array(5).fill(large));
    await Promise.all([speaker, back, late].map((each) => each.close()));
  });

  it('recovers also for somebody who has not left', async () => {
    const follower = await join(channelIn('h'));
    const [first] = await publishAll(follower, ['a', 'b', 'c']);
    await follower.hears(3);
    expect(await follower.subscribe({ since: first as NonNullable<typeof first> })).toMatchObject({
      recovered: true,
    });
    expect(await follower.hears(5)).toEqual(['a', 'b', 'c', 'b', 'c']);
    await publishAll(follower, ['d']);
    expect(await follower.hears(6)).toEqual(['a', 'b', 'c', 'b', 'c', 'd']);
    expect(follower.faults).toEqual([]);
    await follower.close();
  });

  it('publishes nothing twice under one key', async () => {
    const follower = await join(channelIn('h'));
    const first = await follower.publish('once', 'key');
    expect(await follower.publish('once more', 'key')).toEqual({ ...positionIn(first), duplicate: true });
    await follower.publish('other', 'other key');
    expect(await follower.hears(2)).toEqual(['once', 'other']);
    await follower.close();
  });

  it('is the same channel for raw clients, who get the payloads', async () => {
    const channel = channelIn('h');
    const raw = await TestClient.open(`${node.url}/raw/${channel}`);
    raw.send('from raw');
    expect(await raw.text()).toBe('from raw');
    const native = await join(channel, { last: 1 });
    expect(await native.hears(1)).toEqual(['from raw']);
    await native.publish('from native');
    expect(await raw.text()).toBe('from native');
    expect((await native.hears(2))[1]).toBe('from native');
    expect(native.faults).toEqual([]);
    await Promise.all([raw.close(), native.close()]);
  });
});

describe('the API', () => {
  it('says where publications are', async () => {
    const api = apiOf(node);
    const channel = channelIn('h');
    const one = await api.publish({ channel, text: 'a', idempotencyKey: 'k' });
    expect(one).toEqual({ status: 200, body: { published: 1, epoch: expect.any(String), offset: 1 } });
    const again = await api.publish({ channel, json: 1, idempotencyKey: 'k' });
    expect(again.body).toEqual({ ...(one.body as object), duplicate: true });
    const { body } = await api.publish({
      publications: [
        { channel, text: 'b' },
        { channel: 'plain', text: 'x', idempotencyKey: 'k' },
        { channel, text: 'c' },
      ],
    });
    expect(body).toMatchObject({ published: 3, positions: [{ offset: 2 }, null, { offset: 3 }] });
    const late = await Follower.join(node.url, channel, { last: 10 });
    expect(await late.hears(3)).toEqual(['a', 'b', 'c']);
    await late.close();
  });
});
