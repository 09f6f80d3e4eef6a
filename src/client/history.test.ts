/**
 * Channels with a history, as programs see them: what is missed comes back, in order and once, or a gap tells it.
 */
import { describe, expect, it } from 'vitest';
import { batch, connected, heard, settled, type World } from '../../test/support/client-world.ts';
import type { SubscriptionOptions } from './subscription.ts';

const at = (offset: number, epoch = 'e') => ({ epoch, offset });

/** A live batch, the last of which has this offset. */
function live(sequence: number, offset: number, ...texts: string[]) {
  return { ...batch('chat', sequence, ...texts), offset };
}

/** Out of the history, for whoever has asked. */
function kept(offset: number, ...texts: string[]) {
  return live(0, offset, ...texts);
}

/** A channel that stands at offset 57, of which the node has numbered 10. */
async function joined(options: SubscriptionOptions = {}, answer: object = at(57)) {
  const world = await connected();
  const chat = world.client.subscribe<string>('chat', options);
  const events = heard(chat);
  await settled();
  world.socket.joinAll(10, false, answer);
  return { world, chat, events };
}

/** The connection is lost and comes back, up to the question; the node numbers anew. */
async function comeBack(world: World): Promise<void> {
  world.socket.end();
  world.clock.advance(20_000);
  world.socket.welcome();
  await settled();
}

const question = (world: World) => world.socket.last('subscribe').channels;
const questions = (world: World) => world.socket.sent.filter(({ type }) => type === 'subscribe').length;

describe('a reconnect', () => {
  it('asks for what was missed, and gets it once, before what is live, without a gap', async () => {
    const { world, chat, events } = await joined();
    world.socket.receive(live(12, 59, '58', '59'));
    expect(chat.position).toEqual(at(59));
    await comeBack(world);
    expect(question(world)).toEqual([{ channel: 'chat', since: at(59) }]);
    world.socket.joinAll(3, false, { ...at(62), recovered: true });
    world.socket.receive(kept(61, '60', '61'), kept(62, '62'), live(4, 62, '62'), live(5, 63, '63'));
    expect(events).toEqual(['subscribed', '58', '59', 'subscribed, recovered', '60', '61', '62', '63']);
    expect(chat.position).toEqual(at(63));
  });

  it('may have nothing to ask for', async () => {
    const { world, events } = await joined({}, at(0));
    await comeBack(world);
    expect(question(world)).toEqual([{ channel: 'chat', since: at(0) }]);
    world.socket.joinAll(0, false, { ...at(0), recovered: true });
    world.socket.receive(live(1, 1, 'first'));
    expect(events).toEqual(['subscribed', 'subscribed, recovered', 'first']);
  });

  it.each([
    [{ ...at(62), reason: 'not_kept' }, 'not_kept 5'],
    [{ ...at(62), reason: 'interrupted' }, 'interrupted 5'],
    [{ ...at(62), reason: 'too_much' }, 'too_much 5'],
    [{ ...at(62, 'f'), reason: 'epoch_changed' }, 'epoch_changed null'],
    [{ ...at(41), reason: 'ahead' }, 'ahead null'],
    [{ reason: 'no_history' }, 'no_history null'],
  ])('that does not recover (%j) is a gap before what follows', async (answer, gap) => {
    const { world, chat, events } = await joined();
    await comeBack(world);
    world.socket.joinAll(3, false, { ...answer, recovered: false });
    const { epoch, offset } = answer as { epoch?: string; offset?: number };
    expect(chat.position).toEqual(epoch === undefined ? null : { epoch, offset });
    world.socket.receive(offset === undefined ? batch('chat', 4, 'next') : live(4, offset + 1, 'next'));
    const words = `subscribed, not recovered: ${answer.reason}`;
    expect(events).toEqual(['subscribed', gap, words, 'next']);
  });

  it('to a node that knows nothing of histories is a gap', async () => {
    const { world, events } = await joined();
    await comeBack(world);
    world.socket.joinAll(3);
    world.socket.receive(batch('chat', 4, 'next'));
    expect(events).toEqual(['subscribed', 'no_history null', 'subscribed, not recovered: null', 'next']);
  });

  it('in the middle of a recovery carries on from there', async () => {
    const { world, events } = await joined();
    await comeBack(world);
    world.socket.joinAll(3, false, { ...at(62), recovered: true });
    world.socket.receive(kept(59, '58', '59'));
    await comeBack(world);
    expect(question(world)).toEqual([{ channel: 'chat', since: at(59) }]);
    world.socket.joinAll(3, false, { ...at(62), recovered: true });
    world.socket.receive(kept(62, '60', '61', '62'));
    expect(events).toEqual([
      'subscribed',
      'subscribed, recovered',
      '58',
      '59',
      'subscribed, recovered',
      '60',
      '61',
      '62',
    ]);
  });

  it('tells the connection that is lost from a channel that is plain', async () => {
    const { world, chat, events } = await joined({}, {});
    world.socket.receive(batch('chat', 11, 'one'));
    expect(chat.position).toBeNull();
    await comeBack(world);
    expect(question(world)).toEqual(['chat']);
    world.socket.joinAll(3);
    expect(events).toEqual(['subscribed', 'one', 'reconnect null', 'subscribed']);
  });
});

describe('joining late', () => {
  it('gets the last publications first', async () => {
    const { world, chat, events } = await joined({ last: 3 });
    expect(question(world)).toEqual([{ channel: 'chat', last: 3 }]);
    world.socket.receive(kept(57, '55', '56', '57'), live(11, 58, '58'));
    expect(events).toEqual(['subscribed', '55', '56', '57', '58']);
    expect(chat.position).toEqual(at(58));
    await comeBack(world);
    expect(question(world)).toEqual([{ channel: 'chat', since: at(58) }]);
  });

  it('carries on where an earlier program was', async () => {
    const { world, events } = await joined({ since: at(55) }, { ...at(57), recovered: true });
    expect(question(world)).toEqual([{ channel: 'chat', since: at(55) }]);
    world.socket.receive(kept(57, '56', '57'), live(11, 58, '58'));
    expect(events).toEqual(['subscribed, recovered', '56', '57', '58']);
  });

  it('is told when that is too long ago', async () => {
    const { events } = await joined({ since: at(5) }, { ...at(57), recovered: false, reason: 'not_kept' });
    expect(events).toEqual(['not_kept 52', 'subscribed, not recovered: not_kept']);
  });

  it('says at once what makes no sense, and joins nothing', async () => {
    const world = await connected();
    expect(() => world.client.subscribe('chat', { last: -1 })).toThrow('last is a whole number');
    expect(() => world.client.subscribe('chat', { last: 1, since: at(1) })).toThrow('not both');
    await settled();
    expect(questions(world)).toBe(0);
  });

  it('of a thousand channels with positions still takes small commands', async () => {
    const world = await connected();
    const epoch = 'x'.repeat(64);
    for (let index = 0; index < 1_000; index += 1)
      world.client.subscribe(`prices:${index}`, { since: { epoch, offset: 2 ** 53 - 1 } });
    await settled();
    const commands = world.socket.sent.filter(({ type }) => type === 'subscribe');
    expect(commands.flatMap(({ channels }) => channels)).toHaveLength(1_000);
    expect(Math.max(...commands.map((command) => JSON.stringify(command).length))).toBeLessThan(4_096);
  });
});

describe('a publication', () => {
  it('says where it stands, and so does the subscription while it is told', async () => {
    const { world, chat } = await joined({ last: 1 });
    const seen: unknown[] = [];
    chat.on('publication', ({ data, sequence, epoch, offset }) =>
      seen.push([data, sequence, epoch, offset, chat.position]),
    );
    world.socket.receive(kept(57, '57'), live(12, 59, '58', '59'));
    expect(seen).toEqual([
      ['57', 0, 'e', 57, at(57)],
      ['58', 11, 'e', 58, at(58)],
      ['59', 12, 'e', 59, at(59)],
    ]);
  });

  it('has neither without a history', async () => {
    const { world, chat } = await joined({}, {});
    const seen: unknown[] = [];
    chat.on('publication', ({ epoch, offset }) => seen.push(epoch, offset));
    world.socket.receive(batch('chat', 11, 'one'));
    expect(seen).toEqual([null, null]);
  });

  it('in a form that nobody knows yet is passed', async () => {
    const { world, chat, events } = await joined();
    world.socket.receive({ ...live(11, 58), time: 1, publications: [{ later: 1 }] }, live(12, 59, '59'));
    expect(events).toEqual(['subscribed', 'unreadable 1', '59']);
    expect(chat.position).toEqual(at(59));
  });
});

describe('a loop', () => {
  it('gets more of a history than may wait for it', async () => {
    const { world } = await joined();
    const late = world.client.subscribe<string>('chat', { last: 5, maxWaiting: 2 });
    const loop = late[Symbol.asyncIterator]();
    await settled();
    world.socket.joinAll(10, false, at(57));
    world.socket.receive(kept(57, '53', '54', '55', '56', '57'), live(11, 58, '58'));
    const got: unknown[] = [];
    for (let turn = 0; turn < 6; turn += 1) got.push((await loop.next()).value?.data);
    expect(got).toEqual(['53', '54', '55', '56', '57', '58']);
  });
});

describe('a gap', () => {
  it('moves the position behind what the node misses, and says how much', async () => {
    const { world, chat, events } = await joined();
    world.socket.receive({ type: 'gap', channel: 'chat', reason: 'not_kept', ...at(60) });
    expect(chat.position).toEqual(at(60));
    world.socket.receive(live(11, 61, '61'));
    world.socket.receive({ type: 'gap', channel: 'chat', reason: 'epoch_changed', ...at(2, 'f') });
    world.socket.receive(live(12, 3, '3f'));
    expect(events).toEqual(['subscribed', 'not_kept 3', '61', 'epoch_changed null', '3f']);
    await comeBack(world);
    expect(question(world)).toEqual([{ channel: 'chat', since: at(3, 'f') }]);
  });
});

describe('a hole', () => {
  it('is told, and what is missing is asked for and comes before what follows', async () => {
    const { world, chat, events } = await joined();
    world.socket.receive(live(14, 61, '60', '61'));
    expect(events).toEqual(['subscribed', 'lost 2']);
    expect([chat.status, chat.position]).toEqual(['joining', at(57)]);
    await settled();
    expect(question(world)).toEqual([{ channel: 'chat', since: at(57) }]);
    world.socket.receive(live(15, 62, '62'));
    world.socket.joinAll(15, false, { ...at(62), recovered: true });
    world.socket.receive(kept(62, '58', '59', '60', '61', '62'), live(16, 63, '63'));
    expect(events.slice(2)).toEqual(['subscribed, recovered', '58', '59', '60', '61', '62', '63']);
  });

  it('is seen by a mark too', async () => {
    const { world, events } = await joined();
    world.socket.receive(live(10, 57), live(11, 58));
    expect(events).toEqual(['subscribed', 'lost 1']);
    await settled();
    world.socket.joinAll(11, false, { ...at(58), recovered: true });
    world.socket.receive(kept(58, '58'), live(11, 58));
    expect(events.slice(2)).toEqual(['subscribed, recovered', '58']);
  });

  it('is no reason to ask again and again: a second one soon after is only told', async () => {
    const { world, chat, events } = await joined();
    world.socket.receive(live(12, 59, '59'));
    await settled();
    world.socket.joinAll(12, false, { ...at(59), recovered: false, reason: 'not_kept' });
    world.socket.receive(live(14, 61, '61'), live(15, 62, '62'));
    await settled();
    expect(events).toEqual([
      'subscribed',
      'lost 1',
      'not_kept 2',
      'subscribed, not recovered: not_kept',
      'lost 1',
      '61',
      '62',
    ]);
    expect([questions(world), chat.position]).toEqual([2, at(62)]);
    world.clock.advance(1_000);
    world.socket.receive(live(17, 64, '64'));
    await settled();
    expect(questions(world)).toBe(3);
  });

  it('between what was recovered and what is live heals too', async () => {
    const { world, events } = await joined();
    await comeBack(world);
    world.socket.joinAll(3, false, { ...at(60), recovered: true });
    // Live comes first: nothing of it may be told before what is older.
    world.socket.receive(live(4, 61, '61'), kept(60, '58', '59', '60'));
    expect(events.slice(1)).toEqual(['subscribed, recovered', 'lost 3']);
    await settled();
    world.socket.joinAll(4, false, { ...at(61), recovered: true });
    world.socket.receive(kept(61, '58', '59', '60', '61'));
    expect(events.slice(3)).toEqual(['subscribed, recovered', '58', '59', '60', '61']);
  });

  it('is asked for again when the node does not take the question for now', async () => {
    const { world, events } = await joined();
    world.socket.receive(live(12, 59, '59'));
    await settled();
    const { id } = world.socket.last('subscribe');
    world.socket.receive({ type: 'error', id, code: 202, message: 'slowly' });
    world.clock.advance(250);
    expect(question(world)).toEqual([{ channel: 'chat', since: at(57) }]);
    world.socket.receive({
      type: 'subscribed',
      id: world.socket.last('subscribe').id,
      channels: [{ channel: 'chat', number: 1, sequence: 12, ...at(59), recovered: true }],
    });
    world.socket.receive(kept(59, '58', '59'));
    expect(events.slice(2)).toEqual(['too_fast', 'subscribed, recovered', '58', '59']);
  });

  it('of somebody who leaves because of it asks for nothing', async () => {
    const { world, chat } = await joined();
    chat.on('gap', () => chat.unsubscribe());
    world.socket.receive(live(12, 59, '59'));
    await settled();
    expect(world.socket.sent.map(({ type }) => type)).toEqual(['connect', 'subscribe', 'unsubscribe']);
  });

  it('in a plain channel stays one', async () => {
    const { world, events } = await joined({}, {});
    world.socket.receive(batch('chat', 13, '13'));
    await settled();
    expect([events, questions(world)]).toEqual([['subscribed', 'lost 2', '13'], 1]);
  });
});

describe('a history that nobody can ask now', () => {
  const unavailable = { degraded: true, recovered: false, reason: 'unavailable' };

  it('is asked again, less and less often, for what is missing since the connection was lost', async () => {
    const { world, chat, events } = await joined();
    await comeBack(world);
    for (let turn = 0; turn < 10; turn += 1) {
      world.socket.joinAll(3, true, unavailable);
      await settled();
      expect([chat.status, chat.position]).toEqual(['joining', at(57)]);
      const before = questions(world);
      const boundMs = Math.min(20_000, 500 * 2 ** turn);
      world.clock.advance(boundMs / 2 - 1);
      expect(questions(world)).toBe(before);
      world.clock.advance(1);
      expect(questions(world)).toBe(before + 1);
    }
    expect(question(world)).toEqual([{ channel: 'chat', since: at(57) }]);
    world.socket.joinAll(3, false, { ...at(59), recovered: true });
    world.socket.receive(kept(59, '58', '59'), live(4, 60, '60'));
    expect(events).toEqual(['subscribed', 'subscribed, recovered', '58', '59', '60']);
  });

  it('is asked at once when the node knows where it stands', async () => {
    const { world, events } = await joined();
    await comeBack(world);
    world.socket.joinAll(3, true, unavailable);
    await settled();
    world.socket.receive({ type: 'gap', channel: 'chat', reason: 'epoch_changed', ...at(2, 'f') });
    await settled();
    expect(question(world)).toEqual([{ channel: 'chat', since: at(57) }]);
    world.socket.joinAll(3, false, { ...at(2, 'f'), recovered: false, reason: 'epoch_changed' });
    expect(events.slice(1)).toEqual(['epoch_changed null', 'subscribed, not recovered: epoch_changed']);
  });

  it('for one subscription may be there for another', async () => {
    const { world } = await joined();
    const early = heard(world.client.subscribe('chat', { since: at(1) }));
    const late = heard(world.client.subscribe('chat', { since: at(56) }));
    await settled();
    world.socket.joinAll(10, false, unavailable);
    await settled();
    world.clock.advance(250);
    expect(question(world)).toEqual([{ channel: 'chat', since: at(56) }]);
    world.socket.joinAll(10, false, { ...at(57), recovered: true });
    world.socket.receive(kept(57, '57'));
    await settled();
    expect([early, late]).toEqual([[], ['subscribed, recovered', '57']]);
    expect(question(world)).toEqual([{ channel: 'chat', since: at(1) }]);
  });

  it('is over when the node says that all has come, which is no gap', async () => {
    const { world, chat, events } = await joined({}, { degraded: true });
    world.socket.receive(live(11, 58, '58'));
    world.socket.receive({ type: 'gap', channel: 'chat', reason: 'healed', ...at(58) });
    world.socket.receive({ type: 'gap', channel: 'chat', reason: 'healed', ...at(58) });
    expect(world.names.slice(-2)).toEqual(['degraded', 'restored']);
    expect(events).toEqual(['subscribed, degraded', '58']);
    expect(chat.status).toBe('joined');
  });

  it('is asked for its epoch when it goes on', async () => {
    const { world, chat, events } = await joined({}, { degraded: true });
    world.socket.receive(live(11, 58, '58'));
    await settled();
    expect([questions(world), question(world)]).toEqual([2, ['chat']]);
    world.socket.joinAll(12, false, at(59));
    world.socket.receive(live(12, 59, '59'));
    expect(events).toEqual(['subscribed, degraded', '58', '59']);
    expect(chat.position).toEqual(at(59));
  });

  it('is not asked at each publication', async () => {
    const { world } = await joined({}, { degraded: true });
    for (let next = 1; next < 50; next += 1) {
      world.socket.receive(live(10 + next, 57 + next, 'x'));
      await settled();
      world.socket.joinAll(10 + next, true);
    }
    expect(questions(world)).toBe(2);
  });
});

describe('several subscriptions of a channel', () => {
  it('that come later and wish for nothing get what is live, without a question', async () => {
    const { world } = await joined();
    world.socket.receive(live(11, 58, '58'));
    const second = world.client.subscribe('chat');
    const events = heard(second);
    await settled();
    expect(second.position).toEqual(at(58));
    world.socket.receive(live(12, 59, '59'));
    expect([events, questions(world)]).toEqual([['subscribed', '59'], 1]);
  });

  it('get what each of them wishes for, and nothing of what others do', async () => {
    const { world, events } = await joined();
    const lasting = heard(world.client.subscribe('chat', { last: 2 }));
    const since = heard(world.client.subscribe('chat', { since: at(54) }));
    const alike = heard(world.client.subscribe('chat', { last: 2 }));
    await settled();
    expect(question(world)).toEqual([{ channel: 'chat', last: 2 }]);
    // Already live for those who have joined.
    world.socket.receive(live(11, 58, '58'));
    world.socket.joinAll(11, false, at(58));
    world.socket.receive(kept(58, '57', '58'));
    await settled();
    expect(question(world)).toEqual([{ channel: 'chat', since: at(54) }]);
    world.socket.receive(live(12, 59, '59'));
    world.socket.joinAll(12, false, { ...at(59), recovered: true });
    world.socket.receive(kept(59, '55', '56', '57', '58', '59'), live(13, 60, '60'));
    await settled();
    expect(events).toEqual(['subscribed', '58', '59', '60']);
    expect(lasting).toEqual(['subscribed', '57', '58', '59', '60']);
    expect(alike).toEqual(lasting);
    expect(since).toEqual(['subscribed, recovered', '55', '56', '57', '58', '59', '60']);
    expect(questions(world)).toBe(3);
  });

  it('share one question after a reconnect when they stand at the same place', async () => {
    const { world, events } = await joined();
    const second = heard(world.client.subscribe('chat'));
    await settled();
    await comeBack(world);
    world.socket.joinAll(0, false, { ...at(58), recovered: true });
    world.socket.receive(kept(58, '58'));
    await settled();
    expect([events, second]).toEqual(Array(2).fill(['subscribed', 'subscribed, recovered', '58']));
    expect(questions(world)).toBe(1);
  });

  it('wait for their own question while another one waits for its answer', async () => {
    const world = await connected();
    const first = heard(world.client.subscribe('chat', { last: 1 }));
    await settled();
    const second = heard(world.client.subscribe('chat', { last: 2 }));
    const third = heard(world.client.subscribe('chat'));
    await settled();
    expect(questions(world)).toBe(1);
    world.socket.joinAll(0, false, at(57));
    world.socket.receive(kept(57, '57'));
    expect([first, second, third]).toEqual([['subscribed', '57'], [], ['subscribed']]);
    await settled();
    world.socket.joinAll(0, false, at(57));
    world.socket.receive(kept(57, '56', '57'));
    expect([first, second, third]).toEqual([
      ['subscribed', '57'],
      ['subscribed', '56', '57'],
      ['subscribed'],
    ]);
  });

  it('are not refused because another one is', async () => {
    const { world, events } = await joined();
    const second = world.client.subscribe('chat', { last: 2 });
    const told = heard(second);
    const third = heard(world.client.subscribe('chat', { since: at(57) }));
    await settled();
    const { id } = world.socket.last('subscribe');
    world.socket.receive({ type: 'error', id, code: 100, message: 'what is last?' });
    world.socket.receive(live(11, 58, '58'));
    expect([events, told, second.status]).toEqual([['subscribed', '58'], ['bad_request'], 'ended']);
    await settled();
    world.socket.receive({
      type: 'subscribed',
      id: world.socket.last('subscribe').id,
      channels: [{ channel: 'chat', number: 1, sequence: 11, ...at(58), recovered: true }],
    });
    world.socket.receive(kept(58, '58'));
    expect(third).toEqual(['subscribed, recovered', '58']);
  });
});

describe('publishing with an idempotency key', () => {
  it('carries the key, and tells the position', async () => {
    const world = await connected();
    const published = world.client.publish('chat', 'hi', { idempotencyKey: 'order-7' });
    const { id, ...sent } = world.socket.last('publish');
    expect(sent).toEqual({ type: 'publish', channel: 'chat', text: 'hi', idempotencyKey: 'order-7' });
    world.socket.receive({ type: 'published', id, ...at(58), duplicate: true });
    expect(await published).toEqual({ degraded: false, ...at(58), duplicate: true });
  });

  it('is sent again, as it was, when the connection ends before the answer', async () => {
    const world = await connected();
    const bytes = Uint8Array.of(1);
    const published = world.client.publish('chat', bytes, { idempotencyKey: 'order-7' });
    bytes[0] = 2;
    const first = world.socket.last('publish');
    world.socket.end();
    world.clock.advance(250);
    world.socket.welcome();
    const again = world.socket.last('publish');
    expect(again).toEqual({ ...first, binary: 'AQ==' });
    world.socket.receive({ type: 'published', id: again.id, ...at(58), duplicate: true });
    expect(await published).toMatchObject({ offset: 58, duplicate: true });
  });

  it.each(['', 'x'.repeat(129), '\ud800', 7])('refuses %j as a key', async (idempotencyKey) => {
    const world = await connected();
    await expect(
      world.client.publish('chat', 'hi', { idempotencyKey: idempotencyKey as string }),
    ).rejects.toMatchObject({ name: 'bad_request' });
    expect(world.socket.sent).toHaveLength(1);
  });
});
