/**
 * Channels that keep the latest value of each key, as programs see them.
 */
import { describe, expect, it } from 'vitest';
import { batch, connected, heard, settled, type World } from '../../test/support/client-world.ts';
import type { Subscription, SubscriptionOptions } from './subscription.ts';

const at = (offset: number, epoch = 'e') => ({ epoch, offset });
const keyed = (entries: Record<string, string | null>) =>
  Object.entries(entries).map(([key, text]) => (text === null ? { key, deleted: true } : { key, text }));

function live(sequence: number, offset: number, entries: Record<string, string | null>) {
  return { ...batch('board', sequence), publications: keyed(entries), offset };
}

/** A part of a snapshot. */
function part(entries: Record<string, string>) {
  return { ...batch('board', 0), publications: keyed(entries) };
}

function kept(offset: number, entries: Record<string, string | null>) {
  return live(0, offset, entries);
}

function conflated(offset: number, count: number) {
  return { type: 'snapshot', channel: 'board', reason: 'conflated', ...at(offset), count, sequence: 50 };
}

const stateOf = ({ state }: Subscription) =>
  Object.fromEntries([...state].map(([key, { data }]) => [key, data]));

/** What a subscription tells, and how its state is whenever that is another one altogether. */
function follow(world: World, options: SubscriptionOptions = {}) {
  const board = world.client.subscribe('board', options);
  const events = heard(board);
  board.on('state', ({ reason }) => events.push([reason, stateOf(board)]));
  return { board, events };
}

/** A channel at offset 57 with two keys. */
async function joined(options: SubscriptionOptions = {}) {
  const world = await connected();
  const { board, events } = follow(world, options);
  await settled();
  world.socket.joinAll(10, false, { ...at(57), snapshot: 2 });
  world.socket.receive(part({ EUR: '1' }), part({ USD: '2' }));
  return { world, board, events };
}

async function comeBack(world: World): Promise<void> {
  world.socket.end();
  world.clock.advance(20_000);
  world.socket.welcome();
  await settled();
}

const question = (world: World) => world.socket.last('subscribe').channels;
const questions = (world: World) => world.socket.sent.filter(({ type }) => type === 'subscribe').length;
const whole = { EUR: '1', USD: '2' };

describe('whoever joins', () => {
  it('has joined when the whole snapshot is here', async () => {
    const world = await connected();
    const { board, events } = follow(world);
    await settled();
    world.socket.joinAll(10, false, { ...at(57), snapshot: 2 });
    world.socket.receive(part({ EUR: '1' }));
    expect([events, board.status, stateOf(board)]).toEqual([[], 'joining', {}]);
    world.socket.receive(part({ USD: '2' }));
    expect([events, board.status]).toEqual([['subscribed', [null, whole]], 'joined']);
    expect(board.position).toEqual(at(57));
    await board.ready();
  });

  it('may find it empty', async () => {
    const world = await connected();
    const { board, events } = follow(world);
    await settled();
    world.socket.joinAll(0, false, { ...at(0), snapshot: 0 });
    world.socket.receive(live(1, 1, { EUR: '1' }));
    expect([events, stateOf(board)]).toEqual([['subscribed', [null, {}], '1'], { EUR: '1' }]);
  });

  it('sees keys come, change and go, in the state before it hears of it', async () => {
    const { world, board } = await joined();
    const { state } = board;
    const seen: unknown[] = [];
    board.on('publication', ({ key, deleted, data, offset }) =>
      seen.push([key, deleted, data, offset, stateOf(board)]),
    );
    world.socket.receive(live(12, 59, { EUR: '3', GBP: '4' }), live(13, 60, { USD: null }));
    world.socket.receive({ ...batch('board', 14, 'of no key'), offset: 61 });
    expect(seen).toEqual([
      ['EUR', false, '3', 58, { EUR: '3', USD: '2' }],
      ['GBP', false, '4', 59, { EUR: '3', USD: '2', GBP: '4' }],
      ['USD', true, undefined, 60, { EUR: '3', GBP: '4' }],
      [null, false, 'of no key', 61, { EUR: '3', GBP: '4' }],
    ]);
    expect(board.state).toBe(state);
  });

  it.each(['before', 'behind'])(
    'with `last` gets those too, which may come %s the snapshot',
    async (order) => {
      const world = await connected();
      const { board, events } = follow(world, { last: 2 });
      await settled();
      expect(question(world)).toEqual([{ channel: 'board', last: 2 }]);
      world.socket.joinAll(10, false, { ...at(57), snapshot: 2 });
      const lasting = kept(57, { EUR: 'old', USD: '2' });
      world.socket.receive(...(order === 'before' ? [lasting] : []), part(whole));
      if (order === 'behind') world.socket.receive(lasting);
      expect(events).toEqual(['subscribed', [null, whole], 'old', '2']);
      expect([stateOf(board), board.position]).toEqual([whole, at(57)]);
    },
  );

  it('is told if a value is in a form that nobody knows yet', async () => {
    const world = await connected();
    const { board, events } = follow(world);
    await settled();
    world.socket.joinAll(10, false, { ...at(57), snapshot: 2 });
    world.socket.receive({
      ...batch('board', 0),
      publications: [
        { key: 'EUR', later: 1 },
        { key: 'USD', text: '2' },
      ],
    });
    expect(events).toEqual(['unreadable null', 'subscribed', ['unreadable', { USD: '2' }]]);
    expect(board.status).toBe('joined');
  });

  it('finds nothing in a channel that keeps no latest values', async () => {
    const world = await connected();
    const { board, events } = follow(world);
    await settled();
    world.socket.joinAll(10, false, at(57));
    expect([events, board.state.size]).toEqual([['subscribed'], 0]);
  });
});

describe('a reconnect', () => {
  it('gets what was missed into the state', async () => {
    const { world, board, events } = await joined();
    await comeBack(world);
    expect([stateOf(board), board.status]).toEqual([whole, 'joining']);
    expect(question(world)).toEqual([{ channel: 'board', since: at(57) }]);
    world.socket.joinAll(3, false, { ...at(59), recovered: true });
    world.socket.receive(kept(59, { USD: null, GBP: '3' }));
    expect(stateOf(board)).toEqual({ EUR: '1', GBP: '3' });
    expect(events.slice(2)).toEqual(['subscribed, recovered', undefined, '3']);
  });

  it('that does not recover gets a snapshot, and a gap says so', async () => {
    const { world, board, events } = await joined();
    await comeBack(world);
    const answer = { ...at(70), recovered: false, reason: 'not_kept', snapshot: 1 };
    world.socket.joinAll(3, false, answer);
    expect([stateOf(board), board.position]).toEqual([whole, at(57)]);
    world.socket.receive(part({ GBP: '3' }));
    expect(events.slice(2)).toEqual([
      'not_kept 13',
      'subscribed, not recovered: not_kept',
      ['not_kept', { GBP: '3' }],
    ]);
    expect(board.position).toEqual(at(70));
  });

  it('in the middle of a snapshot starts from where it was', async () => {
    const { world, board, events } = await joined();
    world.socket.receive(conflated(70, 2), part({ EUR: '3' }));
    await comeBack(world);
    expect(question(world)).toEqual([{ channel: 'board', since: at(57) }]);
    world.socket.joinAll(3, false, { ...at(58), recovered: true });
    world.socket.receive(kept(58, { USD: '4' }), live(4, 59, { GBP: '5' }));
    expect([stateOf(board), board.position]).toEqual([{ EUR: '1', USD: '4', GBP: '5' }, at(59)]);
    expect(events.slice(2)).toEqual(['subscribed, recovered', '4', '5']);
  });
});

describe('a snapshot that the node sends unasked', () => {
  it('takes the place of everything, once it is whole', async () => {
    const { world, board, events } = await joined();
    world.socket.receive(conflated(70, 2), part({ EUR: '3' }));
    expect([stateOf(board), board.position]).toEqual([whole, at(57)]);
    world.socket.receive(part({ GBP: '4' }), live(51, 71, { GBP: '5' }));
    expect(events.slice(2)).toEqual(['conflated 13', ['conflated', { EUR: '3', GBP: '4' }], '5']);
    expect([stateOf(board), board.position]).toEqual([{ EUR: '3', GBP: '5' }, at(71)]);
  });

  it('takes the place of one that was arriving', async () => {
    const world = await connected();
    const { events } = follow(world);
    await settled();
    world.socket.joinAll(10, false, { ...at(57), snapshot: 3 });
    world.socket.receive(
      part({ EUR: '1' }),
      conflated(70, 1),
      part({ GBP: '3' }),
      live(51, 71, { GBP: '4' }),
    );
    expect(events).toEqual(['conflated null', 'subscribed', ['conflated', { GBP: '3' }], '4']);
  });
});

describe('several subscriptions', () => {
  it('that come later get the state of one that has it, without a question', async () => {
    const { world } = await joined();
    world.socket.receive(live(11, 58, { EUR: '3' }));
    const { board, events } = follow(world);
    await settled();
    expect([events, questions(world)]).toEqual([['subscribed', [null, { EUR: '3', USD: '2' }]], 1]);
    world.socket.receive(live(12, 59, { USD: null }));
    expect(stateOf(board)).toEqual({ EUR: '3' });
  });

  it('ask for themselves if nobody has it', async () => {
    const world = await connected();
    const since = follow(world, { since: at(56) });
    await settled();
    const { events } = follow(world);
    world.socket.joinAll(10, false, { ...at(57), recovered: true });
    world.socket.receive(kept(57, { EUR: '1' }));
    await settled();
    expect([events, question(world), stateOf(since.board)]).toEqual([[], ['board'], { EUR: '1' }]);
    world.socket.joinAll(10, false, { ...at(57), snapshot: 2 });
    world.socket.receive(part(whole));
    expect(events).toEqual(['subscribed', [null, whole]]);
    // What others asked for is not theirs.
    expect(since.events).toEqual(['subscribed, recovered', '1']);
  });

  it('ask for themselves if the others have only what is new', async () => {
    const world = await connected();
    follow(world, { since: at(57) });
    await settled();
    world.socket.joinAll(10, false, { ...at(57), recovered: true });
    const { events } = follow(world);
    await settled();
    expect(question(world)).toEqual(['board']);
    world.socket.joinAll(10, false, { ...at(57), snapshot: 2 });
    world.socket.receive(part(whole));
    expect(events).toEqual(['subscribed', [null, whole]]);
  });

  it('share nothing that one could spoil for the other', async () => {
    const { world, board } = await joined();
    const second = follow(world).board;
    await settled();
    board.unsubscribe();
    world.socket.receive(live(11, 58, { EUR: '3' }));
    expect([stateOf(board), stateOf(second)]).toEqual([whole, { EUR: '3', USD: '2' }]);
  });
});

describe('publishing', () => {
  it('carries the key', async () => {
    const world = await connected();
    void world.client.publish('board', 'x', { key: 'EUR' }).catch(() => {});
    const { id: _id, ...sent } = world.socket.last('publish');
    expect(sent).toEqual({ type: 'publish', channel: 'board', key: 'EUR', text: 'x' });
  });

  it('deletes, in two ways', async () => {
    const world = await connected();
    const published = [
      world.client.remove('board', 'EUR', { idempotencyKey: '7' }),
      world.client.publish('board', undefined, { key: 'EUR', deleted: true, idempotencyKey: '7' }),
    ];
    for (const { id, ...sent } of world.socket.sent.slice(1)) {
      const fields = { channel: 'board', idempotencyKey: '7', key: 'EUR', deleted: true };
      expect(sent).toEqual({ type: 'publish', ...fields });
      world.socket.receive({ type: 'published', id, ...at(58) });
    }
    expect(await Promise.all(published)).toMatchObject([{ offset: 58 }, { offset: 58 }]);
  });

  it.each([
    ['x', { deleted: true, key: 'EUR' }],
    [undefined, { deleted: true }],
    ['x', { key: '' }],
    ['x', { key: 'x'.repeat(129) }],
    [undefined, { key: 'EUR' }],
  ])('refuses %j with %j', async (data, options) => {
    const world = await connected();
    await expect(world.client.publish('board', data, options)).rejects.toMatchObject({
      code: data === undefined && !('deleted' in options) ? 110 : 100,
    });
    expect(world.socket.sent).toHaveLength(1);
  });
});
