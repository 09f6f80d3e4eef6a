/**
 * The latest values on a node that is alone, in both codecs: what docs/protocol.md promises of keys and snapshots.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TestClient } from '../support/client.ts';
import { NativeClient, type Subprotocol } from '../support/native-client.ts';
import { startNode, type TestNode } from '../support/node.ts';
import { apiOf } from '../support/sequenced-api.ts';
import { type Position, StateFollower } from '../support/state-follower.ts';

let node: TestNode;
beforeAll(async () => {
  node = await startNode([
    '--namespaces',
    JSON.stringify({
      l: { latest: 1_000 },
      both: { latest: 1_000, historySize: 100 },
      three: { latest: 3 },
      tight: { latest: 100, latestMaxBytes: 100 },
      big: { latest: 10_000 },
    }),
    ...['--backpressure-limit-bytes', '4194304'],
  ]);
});
afterAll(() => node.stop());

let names = 0;
const channelIn = (namespace: string) => {
  names += 1;
  return `${namespace}:${names}`;
};

describe.each<Subprotocol>(['outcry.v1.json', 'outcry.v1.msgpack'])('%s', (subprotocol) => {
  const join = (channel: string, wish = {}) => StateFollower.join(node.url, channel, wish, subprotocol);

  it('a channel begins without values', async () => {
    const follower = await join(channelIn('l'));
    expect(follower.standing).toMatchObject({ offset: 0, snapshot: 0 });
    await follower.close();
  });

  it.each(['l', 'both'])(
    'a subscriber gets the newest value of each key, then what is live: %s',
    async (namespace) => {
      const channel = channelIn(namespace);
      const speaker = await join(channel);
      await speaker.set('EUR', '1');
      await speaker.set('USD', '2');
      await speaker.publish('no key');
      await speaker.set('GBP', '3');
      await speaker.set('EUR', '4');
      await speaker.set('USD', null);
      const late = await join(channel);
      expect(late.standing).toMatchObject({ offset: 6, snapshot: 2 });
      const end = (await speaker.set('CHF', '5')) as Position;
      await Promise.all([speaker.reaches(end), late.reaches(end)]);
      expect(late.values).toEqual({ CHF: '5', EUR: '4', GBP: '3' });
      expect(late.heard).toEqual(['CHF=5']);
      expect(speaker.values).toEqual(late.values);
      expect(speaker.heard).toEqual(['EUR=1', 'USD=2', 'no key', 'GBP=3', 'EUR=4', 'USD=', 'CHF=5']);
      expect([late.faults, speaker.faults]).toEqual([[], []]);
      await Promise.all([speaker.close(), late.close()]);
      // Nobody is there any more, and it is read again.
      await node.untilMetric('outcry_latest_keys', 0);
      const alone = await join(channel);
      await alone.reaches(end);
      expect(alone.values).toEqual(late.values);
      await alone.close();
    },
  );

  it('what was missed comes instead of the values, and they come when that is not possible', async () => {
    const channel = channelIn('both');
    const speaker = await join(channel);
    const first = (await speaker.set('a', '1')) as Position;
    const end = (await speaker.set('b', '2')) as Position;
    const back = await join(channel, { since: first });
    expect(back.standing).toMatchObject({ ...end, recovered: true });
    expect(back.standing.snapshot).toBeUndefined();
    const lost = await join(channel, { since: { epoch: 'another', offset: 1 } });
    expect(lost.standing).toMatchObject({ recovered: false, reason: 'epoch_changed', snapshot: 2 });
    const last = await join(channel, { last: 1 });
    expect(last.standing).toMatchObject({ snapshot: 2 });
    const more = (await speaker.set('c', '3')) as Position;
    await Promise.all([back, lost, last].map((each) => each.reaches(more)));
    expect(back.before).toEqual(['b=2']);
    expect(lost.values).toEqual({ a: '1', b: '2', c: '3' });
    expect(last.before).toEqual(['b=2']);
    expect(last.values).toEqual(lost.values);
    for (const { faults } of [back, lost, last]) expect(faults).toEqual([]);
    await Promise.all([speaker, back, lost, last].map((each) => each.close()));
  });

  it('keys and bytes are bounded: replacing and deleting work, and a refusal is told without an id too', async () => {
    const speaker = await join(channelIn('three'));
    for (const key of 'abc') await speaker.set(key, '1');
    expect(await speaker.set('d', '1')).toBe(112);
    await speaker.set('e', '1', { answered: false });
    await speaker.set('a', 'replaced');
    await speaker.set('b', null);
    const end = (await speaker.set('d', '2')) as Position;
    await speaker.reaches(end);
    expect(speaker.values).toEqual({ a: 'replaced', c: '1', d: '2' });
    expect(speaker.errors).toEqual([112]);
    const tight = await join(channelIn('tight'));
    expect(await tight.set('a', 'x'.repeat(79))).toMatchObject({ offset: 1 });
    expect(await tight.set('a', 'x'.repeat(80))).toBe(112);
    expect(await tight.set('a', 'x')).toMatchObject({ offset: 2 });
    for (const { faults } of [speaker, tight]) expect(faults).toEqual([]);
    await Promise.all([speaker.close(), tight.close()]);
  });

  it('a channel without values takes no key', async () => {
    const native = await NativeClient.connect(node.url, subprotocol);
    native.say(
      subprotocol === 'outcry.v1.json'
        ? { type: 'publish', id: 2, channel: 'plain', text: 'x', key: 'k' }
        : [4, 2, 'plain', 'x', null, 'k'],
    );
    expect(JSON.stringify(await native.hear())).toMatch(/100.*keeps no latest values/);
    await native.client.close();
  });

  it('many values come in several frames, before anything live', async () => {
    const channel = channelIn('big');
    const speaker = await join(channel);
    const text = 'x'.repeat(100);
    let end = { epoch: '', offset: 0 };
    for (let n = 0; n < 5_000; n += 500)
      [end] = (
        await Promise.all(Array.from({ length: 500 }, (_, i) => speaker.set(`key ${n + i}`, text)))
      ).slice(-1) as [Position];
    const late = await join(channel);
    expect(late.standing).toMatchObject({ snapshot: 5_000 });
    await late.reaches(end);
    expect(late.state.size).toBe(5_000);
    expect(late.faults).toEqual([]);
    await Promise.all([speaker.close(), late.close()]);
  });

  it('raw clients get the payloads, and nothing of deletions', async () => {
    const channel = channelIn('l');
    const raw = await TestClient.open(`${node.url}/raw/${channel}`);
    const native = await join(channel);
    await native.set('a', 'one');
    await native.set('a', null);
    await native.set('b', 'two');
    expect([await raw.text(), await raw.text()]).toEqual(['one', 'two']);
    raw.send('from raw');
    expect(await raw.text()).toBe('from raw');
    await Promise.all([raw.close(), native.close()]);
  });
});

describe('the API', () => {
  it('publishes values and deletions, and refuses what has no room', async () => {
    const api = apiOf(node);
    const channel = channelIn('three');
    expect(await api.publish({ channel, text: '1', key: 'a' })).toMatchObject({
      status: 200,
      body: { offset: 1 },
    });
    const batch = ['a', 'b', 'c', 'd'].map((key) => ({ channel, text: '2', key }));
    expect(await api.publish({ publications: batch })).toMatchObject({
      status: 400,
      body: { error: { code: 112, name: 'too_many_keys' }, published: 3, refused: [3] },
    });
    expect((await api.publish({ channel, key: 'b', deleted: true })).status).toBe(200);
    expect((await api.publish({ channel, key: 'd', json: { n: 1 } })).status).toBe(200);
    for (const [body, code] of [
      [{ channel, key: 'e', text: '' }, 112],
      [{ channel: 'plain', key: 'e', text: '' }, 100],
      [{ channel, key: '', text: '' }, 100],
      [{ channel, deleted: true }, 100],
      [{ channel, deleted: 1, key: 'a' }, 100],
      [{ channel, deleted: true, key: 'a', text: '' }, 110],
    ] as const)
      expect(await api.publish(body)).toMatchObject({ status: 400, body: { error: { code } } });
    expect(await node.metric('outcry_api_errors_total{error="too_many_keys"}')).toBeGreaterThanOrEqual(2);
    const late = await StateFollower.join(node.url, channel);
    await late.reaches({ epoch: late.standing.epoch, offset: late.standing.offset });
    expect([...late.state.keys()]).toEqual(['a', 'c', 'd']);
    await late.close();
  });
});
