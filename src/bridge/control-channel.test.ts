import { beforeEach, describe, expect, test } from 'vitest';
import { FakeClock } from '../../test/support/fake-clock.ts';
import { type Answer, type Control, type Question, readControl, writeControl } from '../protocol/control.ts';
import { ControlChannel } from './control-channel.ts';

const question: Question = { type: 'subscribers', channel: 'chat' };
const three: Answer = { value: 3, channels: [] };

let clock: FakeClock;
let sent: (Control | null)[];
let channel: ControlChannel;
beforeEach(() => {
  clock = new FakeClock();
  sent = [];
  channel = new ControlChannel({ bootId: 'own', clock, send: (bytes) => void sent.push(readControl(bytes)) });
});

function answer(from: string, { request = 1, to = 'own', value = 3 } = {}): void {
  const control: Control = { type: 'answer', from, request, to, answer: { value, channels: [] } };
  expect(channel.receive(writeControl(control))).toBe(true);
}

function ask(from: string, { to = '', asked = question } = {}): void {
  channel.receive(writeControl({ type: 'question', from, request: 9, to, question: asked }));
}

describe('a question', () => {
  test('goes to all once, and is complete when all have answered', async () => {
    const answers = channel.ask(question, ['left', 'right']);
    expect(sent).toEqual([{ type: 'question', from: 'own', request: 1, to: '', question }]);
    answer('right');
    answer('left');
    expect(await answers).toEqual({ answers: [three, three], complete: true });
  });

  test('to one names it', async () => {
    const answers = channel.ask(question, ['left']);
    expect(sent[0]?.to).toBe('left');
    answer('left');
    expect(await answers).toEqual({ answers: [three], complete: true });
  });

  test('to nobody is answered at once and sent to nobody', async () => {
    expect(await channel.ask(question, [])).toEqual({ answers: [], complete: true });
    expect(sent).toEqual([]);
  });

  test('is incomplete when a second has passed', async () => {
    const answers = channel.ask(question, ['left', 'right']);
    answer('left');
    clock.advance(1_000);
    expect(await answers).toEqual({ answers: [three], complete: false });
    answer('right');
  });

  test('counts one answer of each that was asked, to this request and this node', async () => {
    const answers = channel.ask(question, ['left', 'right']);
    answer('left', { value: 1 });
    answer('left', { value: 2 });
    answer('stranger', { value: 4 });
    answer('right', { request: 2, value: 8 });
    answer('right', { to: 'other', value: 16 });
    answer('own', { value: 32 });
    answer('right', { value: 64 });
    expect((await answers).answers.map(({ value }) => value)).toEqual([1, 64]);
  });

  test('is not asked while too many are open', async () => {
    const open = Array.from({ length: 1_024 }, () => channel.ask(question, ['left']));
    expect(await channel.ask(question, ['left'])).toEqual({ answers: [], complete: false });
    expect(sent).toHaveLength(1_024);
    clock.advance(1_000);
    await Promise.all(open);
    const after = channel.ask(question, ['left']);
    answer('left', { request: 1_025 });
    expect((await after).complete).toBe(true);
  });
});

describe('a question of another node', () => {
  test('is answered to it', () => {
    channel.represent({
      counts: () => ({ connections: 0, channels: 0, subscriptions: 0, state: null, viewers: 0 }),
      answer: () => three,
    });
    ask('left');
    ask('left', { to: 'own' });
    const reply = { type: 'answer', from: 'own', request: 9, to: 'left', answer: three };
    expect(sent).toEqual([reply, reply]);
  });

  test('is left to the one that is meant, and our own to the others', () => {
    channel.represent({
      counts: () => ({ connections: 0, channels: 0, subscriptions: 0, state: null, viewers: 0 }),
      answer: () => three,
    });
    ask('left', { to: 'right' });
    ask('own');
    expect(sent).toEqual([]);
  });

  test('is left open before anybody speaks for this node', () => {
    ask('left');
    expect(sent).toEqual([]);
  });

  test('is answered at most 200 times in a second', () => {
    channel.represent({
      counts: () => ({ connections: 0, channels: 0, subscriptions: 0, state: null, viewers: 0 }),
      answer: () => three,
    });
    for (let i = 0; i < 300; i += 1) ask('left');
    expect(sent).toHaveLength(200);
    clock.advance(1_000);
    ask('left');
    expect(sent).toHaveLength(201);
  });
});

test('what cannot be read is refused', () => {
  expect(channel.receive(Buffer.from([0x97, 0, 1, 1]))).toBe(false);
});
