/**
 * What anybody who reaches Redis can write into a shard: counted, dropped, and the next good frame is delivered.
 */
import { pack } from 'msgpackr';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Publication } from '../../src/channel/publication.ts';
import { FrameWriter } from '../../src/protocol/bridge-frame.ts';
import { shardOf } from '../../src/protocol/shard.ts';
import { TestClient } from '../support/client.ts';
import { startNode, type TestNode } from '../support/node.ts';
import { TestRedis } from '../support/redis.ts';
import { until } from '../support/until.ts';

const shard = shardOf('livechat', 64);
const shardChannel = `outcry.v1.64.{${shard}}`;

let redis: TestRedis;
let node: TestNode;
let client: TestClient;
let good: FrameWriter;
beforeAll(async () => {
  redis = await TestRedis.start();
  node = await startNode(['--redis', redis.url, '--node-id', 'tested']);
  await until(
    () => node.ready(),
    (status) => status === 200,
  );
  client = await TestClient.open(node.url);
  good = new FrameWriter({ bootId: 'a-good-sender', nodeId: 'good' }, shard);
});
afterAll(async () => {
  await client?.close();
  await node?.stop();
  await redis?.kill();
});

async function publish(bytes: Buffer | string, channel = shardChannel): Promise<void> {
  await redis.client().publish(channel, bytes);
}

function goodFrame(text: string): Buffer {
  good.add('livechat', Publication.text(text, 0));
  return good.take(Date.now());
}

/** The next good frame is delivered, and nothing came before it. */
async function expectNextDelivered(text: string): Promise<void> {
  await publish(goodFrame(text));
  expect(await client.text()).toBe(text);
}

const rejected = (reason: string) => node.metric(`outcry_bridge_frames_rejected_total{reason="${reason}"}`);

describe('a frame', () => {
  it.each<[string, () => Buffer | string, string]>([
    ['of nothing', () => '', 'malformed'],
    ['of text', () => 'Hello!', 'malformed'],
    ['of JSON', () => '{"channel":"livechat","data":"x"}', 'malformed'],
    ['of random bytes', () => Buffer.from('93c1ff00deadbeef', 'hex'), 'malformed'],
    [
      'that claims 4 GiB of publications',
      () =>
        Buffer.from('97' + '01' + 'a162' + '00' + '01' + 'a16e' + 'cb0000000000000000' + 'ddffffffff', 'hex'),
      'malformed',
    ],
    ['of a hundred thousand arrays in each other', () => Buffer.alloc(100_000, 0x91), 'malformed'],
    ['that is cut', () => frameOf('cut').subarray(0, -3), 'malformed'],
    ['with something behind it', () => Buffer.concat([frameOf('behind'), Buffer.from([0])]), 'malformed'],
    ['of a record definition, which would be evaluated', () => Buffer.from(pack({ a: 1 })), 'malformed'],
    ['of 17 MiB', () => Buffer.alloc(17 * 1_048_576), 'oversized'],
    ['of another shard', () => new FrameWriterFor(shard + 1).frame('elsewhere'), 'wrong_shard'],
    [
      'of version 2',
      () => Buffer.from(pack([2, 'future', shard, 1, 'node', { anything: true }])),
      'unknown_version',
    ],
  ])('%s is counted and dropped, and the next good one is delivered', async (name, bytes, reason) => {
    const before = await rejected(reason);
    await publish(bytes());
    await expectNextDelivered(`after one ${name}`);
    expect(await rejected(reason)).toBe(before + 1);
  });

  it('that comes twice is delivered once', async () => {
    const frame = goodFrame('once');
    await publish(frame);
    await publish(frame);
    expect(await client.text()).toBe('once');
    await expectNextDelivered('next');
    expect(await rejected('duplicate')).toBe(1);
  });

  it('that is missing is a gap, also when the next one is of an unknown version', async () => {
    const [gaps, missed] = [
      await node.metric('outcry_bridge_gaps_total'),
      await node.metric('outcry_bridge_frames_missed_total'),
    ];
    goodFrame('lost on the way');
    goodFrame('and this one');
    await expectNextDelivered('after a gap');
    expect(await node.metric('outcry_bridge_gaps_total')).toBe(gaps + 1);
    expect(await node.metric('outcry_bridge_frames_missed_total')).toBe(missed + 2);
  });

  it('with a kind of publication that is not known delivers the others', async () => {
    await publish(
      Buffer.from(
        pack([
          1,
          'mixed',
          shard,
          1,
          'node',
          0.5,
          [
            ['livechat', 9, Buffer.from('x')],
            ['livechat', 0, Buffer.from('known')],
          ],
        ]),
      ),
    );
    expect(await client.text()).toBe('known');
    expect(await node.metric('outcry_bridge_publications_skipped_total')).toBe(1);
  });
});

it('a flood of garbage on shards and beats stops nobody', async () => {
  const flood = redis.client();
  const pipeline = flood.pipeline();
  for (let i = 0; i < 20_000; i += 1) {
    const garbage = Buffer.from(Array.from({ length: 1 + (i % 60) }, (_, j) => (i * 31 + j * 17) & 0xff));
    pipeline.publish(i % 2 === 0 ? shardChannel : 'outcry.v1.beat', garbage);
  }
  await pipeline.exec();
  await expectNextDelivered('after the flood');
  expect(await node.ready()).toBe(200);
  // One line a second, however much is wrong.
  expect(node.logs.length).toBeLessThan(60);
});

function frameOf(text: string): Buffer {
  return new FrameWriterFor(shard).frame(text);
}

class FrameWriterFor {
  readonly #writer: FrameWriter;

  constructor(ofShard: number) {
    this.#writer = new FrameWriter({ bootId: 'poisoner', nodeId: 'poisoner' }, ofShard);
  }

  frame(text: string): Buffer {
    this.#writer.add('livechat', Publication.text(text, 0));
    return this.#writer.take(0);
  }
}
