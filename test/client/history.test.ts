/**
 * The SDK and `outcry subscribe` against nodes with histories and latest values that are a model, over real WebSockets of the
 * package `ws`.
 */
import { afterEach, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { Client } from '../../src/client/client.ts';
import { Chronicle } from '../support/chronicle.ts';
import { TestCommand } from '../support/command.ts';
import { ModelNode } from '../support/model-node.ts';
import { calm } from '../support/surroundings.ts';

let node: ModelNode;
beforeEach(async () => {
  node = await ModelNode.start({ size: 50, batchSize: 7 });
});
afterEach(() => node.stop());

function connect(): Client {
  const client = new Client(node.url, {}, calm);
  onTestFinished(() => client.close());
  return client;
}

const say = (...texts: string[]) => {
  for (const text of texts) node.model.publish('chat', { text });
};
const texts = (from: number, to: number) =>
  Array.from({ length: to - from + 1 }, (_, index) => `${from + index}`);

describe('a lost connection', () => {
  it('costs nothing of what is kept', async () => {
    const chronicle = Chronicle.of(connect().subscribe('chat'));
    await chronicle.has('subscribed');
    say(...texts(1, 3));
    await chronicle.has('3');
    for (let turn = 0; turn < 5; turn += 1) {
      node.cut();
      say(...texts(4 + 20 * turn, 23 + 20 * turn));
      await chronicle.has(`${23 + 20 * turn}`);
    }
    expect(chronicle.entries.filter((entry) => !/^subscribed/.test(String(entry)))).toEqual(texts(1, 103));
  });

  it('says how much is not kept', async () => {
    const chronicle = Chronicle.of(connect().subscribe('chat'));
    await chronicle.has('subscribed');
    say('1');
    await chronicle.has('1');
    node.cut();
    say(...texts(2, 100));
    await chronicle.has('gap: not_kept 99');
    say('101');
    await chronicle.has('101');
    expect(chronicle.entries.slice(2)).toEqual([
      'gap: not_kept 99',
      'subscribed, not recovered: not_kept',
      '101',
    ]);
  });
});

describe('outcry subscribe --state', () => {
  it('prints the latest values first, then what comes, and both again when they were replaced', async () => {
    const latest = await ModelNode.start({ size: 0, latest: true });
    onTestFinished(() => latest.stop());
    const put = (key: string, text: string) => latest.model.publish('board', { key, text });
    put('EUR', '1');
    put('GBP', '2');
    const command = new TestCommand(['subscribe', 'board', '--state', '--url', latest.url]);
    onTestFinished(() => command.signal('SIGTERM'));
    await command.untilPrinted(3);
    put('EUR', '3');
    latest.model.publish('board', { key: 'GBP', deleted: true });
    await command.untilPrinted(5);
    latest.cut();
    put('USD', '4');
    await command.untilPrinted(9);
    const [channel, time] = ['board', expect.any(Number)];
    const { epoch } = latest.model.of(channel);
    expect(command.printed.map((line) => JSON.parse(line))).toEqual([
      { channel, state: 2, reason: null },
      { channel, sequence: 0, time, key: 'EUR', text: '1' },
      { channel, sequence: 0, time, key: 'GBP', text: '2' },
      { channel, sequence: 1, epoch, offset: 3, time, key: 'EUR', text: '3' },
      { channel, sequence: 2, epoch, offset: 4, time, key: 'GBP', deleted: true },
      { channel, gap: 'not_kept', missed: 1 },
      { channel, state: 2, reason: 'not_kept' },
      { channel, sequence: 0, time, key: 'EUR', text: '3' },
      { channel, sequence: 0, time, key: 'USD', text: '4' },
    ]);
  });
});

describe('outcry subscribe', () => {
  const subscribe = (...args: string[]) => new TestCommand(['subscribe', 'chat', '--url', node.url, ...args]);
  const lines = (command: TestCommand) => command.printed.map((line) => JSON.parse(line));

  it('--last begins in the history, and its lines say where they stand', async () => {
    say(...texts(1, 30));
    const command = subscribe('--last', '3', '--count', '3');
    expect(await command.exited).toBe(0);
    const { epoch } = node.model.of('chat');
    expect(lines(command)).toEqual(
      [28, 29, 30].map((offset) => ({
        channel: 'chat',
        sequence: 0,
        epoch,
        offset,
        time: expect.any(Number),
        text: `${offset}`,
      })),
    );
  });

  it('--since carries on behind a line', async () => {
    say(...texts(1, 30));
    const command = subscribe('--since', `${node.model.of('chat').epoch}:27`, '--count', '3', '--payload');
    expect(await command.exited).toBe(0);
    expect(command.printed).toEqual(texts(28, 30));
  });

  it('--since what is not kept prints the gap', async () => {
    say(...texts(1, 60));
    const command = subscribe('--since', 'another:7');
    await command.untilPrinted(1);
    command.signal('SIGINT');
    await command.exited;
    expect(lines(command)).toEqual([{ channel: 'chat', gap: 'epoch_changed', missed: null }]);
  });
});
