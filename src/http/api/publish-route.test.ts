import { pack } from 'msgpackr';
import { beforeEach, describe, expect, test } from 'vitest';
import { fakeRequest, type RequestParts } from '../../../test/support/fake-request.ts';
import { ChannelPolicy } from '../../auth/channel-policy.ts';
import type { Outcome } from '../../bridge/bridge.ts';
import { resolveNamespaces } from '../../config/namespaces.ts';
import type { Appended } from '../../history/history.ts';
import { Metrics } from '../../metrics/metrics.ts';
import { PublishRoute } from './publish-route.ts';
import { Publisher } from './publisher.ts';

const policy = new ChannelPolicy(
  resolveNamespaces({
    profile: 'feed',
    namespaces: new Map([
      ['closed', { publish: 'nobody' }],
      ['short', { maxPayloadBytes: 4 }],
      ['latest', { latest: 2 }],
    ]),
    maxPayloadBytes: 100,
    maxDelayMs: 0,
    backpressureLimitBytes: 65_536,
  }),
);

let published: [channel: string, content: unknown][];
let outcome: Outcome | 'duplicate' | Promise<Outcome | Appended>;
/** In the order of publications, instead of `outcome`. */
let outcomes: (Appended | Promise<Outcome | Appended>)[];
let outOfReach: string[];
let metrics: Metrics;
beforeEach(() => {
  published = [];
  outcome = 'confirmed';
  outcomes = [];
  outOfReach = [];
  metrics = new Metrics();
});

async function post(
  body: NonNullable<RequestParts['body']>,
  {
    type = 'application/json',
    headers = {},
  }: { type?: string | null; headers?: Record<string, string> } = {},
) {
  const broadcaster = {
    reachesOthers: (channel: string) => !outOfReach.includes(channel),
    publishConfirmed(channel: string, { kind, payload }: { kind: string; payload: unknown }) {
      published.push([channel, kind === 'binary' ? [...(payload as Uint8Array)] : payload]);
      const next = outcomes.shift();
      return next === undefined ? outcome : Promise.resolve(next);
    },
  };
  const publisher = new Publisher({ broadcaster, policy, metrics });
  const route = new PublishRoute({ publisher, maxBodyBytes: 1_000, metrics });
  const all = { ...(type === null ? {} : { 'content-type': type }), ...headers };
  const reply = await route.handle(fakeRequest({ method: 'POST', path: '/api/publish', headers: all, body }));
  return { status: reply.status, body: JSON.parse(String(reply.body)), headers: reply.headers };
}

const one = '{"channel":"a","json":[1.0]}';
const batchOf = (...publications: unknown[]) => JSON.stringify({ publications });

test('a duplicate in a channel without history counts as published, and is said to be one', async () => {
  outcome = 'duplicate';
  expect(await post(one)).toMatchObject({ status: 200, body: { published: 1, duplicate: true } });
  const a = { channel: 'a', text: 'x' };
  outcomes = [Promise.resolve('confirmed')];
  expect(await post(batchOf(a, a))).toMatchObject({
    ...{ status: 200, body: { published: 2, positions: [null, { duplicate: true }] } },
  });
});

describe('in channels with history', () => {
  const position = { epoch: 'e', offset: 7 };
  const at = (offset: number, duplicate = false): Promise<Appended> =>
    Promise.resolve({ outcome: 'confirmed', position: { ...position, offset }, duplicate });
  const failed = (): Promise<Appended> => Promise.resolve({ outcome: 'failed' });
  const unknown = (): Promise<Appended> => Promise.resolve({ outcome: 'unknown' });
  const a = { channel: 'a', text: 'x' };

  test('one publication says where it is', async () => {
    outcomes = [at(7)];
    expect(await post(one)).toMatchObject({ status: 200, body: { published: 1, ...position } });
    outcomes = [at(7, true)];
    expect((await post(one)).body).toEqual({ published: 1, ...position, duplicate: true });
    outcomes = [failed()];
    expect(await post(one)).toMatchObject({ status: 503, body: { error: { code: 200 } } });
    outcomes = [unknown()];
    expect(await post(one)).toMatchObject({ status: 503, body: { error: { code: 201 } } });
  });

  test('a batch says where each is, and how many failed', async () => {
    outcomes = [at(7), Promise.resolve('confirmed'), at(8, true)];
    expect((await post(batchOf(a, a, a))).body).toEqual({
      published: 3,
      positions: [position, null, { ...position, offset: 8, duplicate: true }],
    });
    outcomes = [at(7), failed(), failed()];
    expect(await post(batchOf(a, a, a))).toMatchObject({
      ...{
        status: 503,
        body: { error: { code: 200 }, published: 1, failed: 2, positions: [position, null, null] },
      },
    });
    outcomes = [failed(), unknown()];
    expect(await post(batchOf(a, a))).toMatchObject({
      ...{ status: 503, body: { error: { code: 201 }, published: 0, unknown: 1 } },
    });
  });

  test('a stream lists the lines that could not be appended', async () => {
    outcomes = [at(7), failed(), at(8)];
    const lines = `${JSON.stringify(a)}\n\n${JSON.stringify(a)}\n${JSON.stringify(a)}\n`;
    expect(await post(lines, { type: 'application/x-ndjson' })).toMatchObject({
      status: 503,
      body: { published: 2, refused: 1, unknown: 0, errors: [{ line: 3, code: 200 }] },
    });
  });

  test('a stream says where it stands at last, of the first 100 channels', async () => {
    const line = (channel: number | string) => JSON.stringify({ channel: `${channel}`, text: 'x' });
    const channels = Array.from({ length: 120 }, (_, channel) => channel);
    outcomes = [at(7), at(8), Promise.resolve('confirmed'), at(3, true), ...channels.map((n) => at(n + 1))];
    const lines = [...['a', 'a', 'plain', 'a'], ...channels].map(line).join('\n');
    const { body } = await post(lines, { type: 'application/x-ndjson' });
    expect(body).toMatchObject({ published: 124, refused: 0 });
    expect(body.positions).toHaveLength(100);
    expect(body.positions.slice(0, 2)).toEqual([
      { channel: 'a', epoch: 'e', offset: 8 },
      { channel: '0', epoch: 'e', offset: 1 },
    ]);
  });
});

describe('one publication', () => {
  test('is published as it stands, and counted', async () => {
    expect(await post(one)).toMatchObject({ status: 200, body: { published: 1 } });
    expect(published).toEqual([['a', '[1.0]']]);
    expect(metrics.apiPublications.value).toBe(1);
  });

  test.each(['application/json; charset=utf-8', 'Application/JSON', ' application/json'])(
    'may come as %s',
    async (type) => {
      expect((await post(one, { type })).status).toBe(200);
    },
  );

  test.each([
    null,
    '',
    'text/plain',
    'application/jsonx',
    'application/x-www-form-urlencoded',
    'multipart/form-data',
  ])('may not come as %s', async (type) => {
    expect(await post(one, { type })).toMatchObject({ status: 415, body: { error: { code: 100 } } });
    expect(published).toEqual([]);
  });

  test('comes as MessagePack too', async () => {
    expect((await post(pack(['a', Buffer.from([1])]), { type: 'application/msgpack' })).body).toEqual({
      published: 1,
    });
    expect(published).toEqual([['a', [1]]]);
  });

  test.each([
    ['{"channel":"closed:x","json":1}', 403, 111, 'not_permitted'],
    ['{"channel":"short:x","json":"1234"}', 413, 109, 'payload_too_big'],
    ['{"channel":"short:x","text":"ééé"}', 413, 109, 'payload_too_big'],
    ['{"channel":"","json":1}', 400, 105, 'bad_channel'],
    ['{"channel":"a\\u0000","json":1}', 400, 105, 'bad_channel'],
    [`{"channel":"${'c'.repeat(201)}","json":1}`, 400, 105, 'bad_channel'],
    ['{"channel":"\\ud800","json":1}', 400, 105, 'bad_channel'],
    ['{"channel":"a"}', 400, 110, 'bad_payload'],
    ['{"channel":"a","json":1,"key":"k"}', 400, 100, 'bad_request'],
    ['nonsense', 400, 100, 'bad_request'],
  ])('is refused: %.40s', async (body, status, code, name) => {
    const reply = await post(body);
    expect(reply).toMatchObject({ status, body: { error: { code, name, message: expect.any(String) } } });
    expect(reply.body).not.toHaveProperty('index');
    expect(published).toEqual([]);
  });

  test.each([
    '{"channel":"short:x","json":1234}',
    '{"channel":"short:x","text":"éé"}',
    '{"channel":"short:x","binary":"AAAAAA=="}',
  ])('may have as many bytes as its namespace allows: %s', async (body) => {
    expect((await post(body)).status).toBe(200);
  });

  test('is too large as a body', async () => {
    const headers = { 'content-length': '1001' };
    const reply = await post(' '.repeat(1_001), { headers });
    expect(reply).toMatchObject({ status: 413, body: { error: { code: 109 } } });
    expect(reply.headers).not.toHaveProperty('Connection');
    expect((await post(' '.repeat(1_001))).headers).toHaveProperty('Connection', 'close');
  });

  test('is not published when its peer went away', async () => {
    await post({ aborted: true });
    expect(published).toEqual([]);
  });

  test('is delivered nowhere while the other nodes cannot be reached', async () => {
    outOfReach = ['a'];
    expect(await post('{"channel":"b","json":1}')).toMatchObject({ status: 200 });
    published = [];
    expect(await post(one)).toMatchObject({
      status: 503,
      body: { error: { code: 200, name: 'unavailable' } },
      headers: { 'Retry-After': '1' },
    });
    expect(published).toEqual([]);
  });

  test('waits for the bridge, and says so when nobody knows', async () => {
    outcome = Promise.resolve('confirmed');
    expect((await post(one)).status).toBe(200);
    const doubtful: Outcome[] = ['unknown', 'failed'];
    for (outcome of [...doubtful, ...doubtful.map((each) => Promise.resolve(each))])
      expect(await post(one)).toMatchObject({
        status: 503,
        body: { error: { code: 201, name: 'outcome_unknown' } },
      });
  });
});

describe('a batch', () => {
  test('is published in order, across channels', async () => {
    const body = batchOf(
      { channel: 'a', json: 1 },
      { channel: 'b', text: 'x' },
      { channel: 'a', binary: 'AA==' },
    );
    expect(await post(body)).toMatchObject({ status: 200, body: { published: 3 } });
    expect(published).toEqual([
      ['a', '1'],
      ['b', 'x'],
      ['a', [0]],
    ]);
  });

  test('is published as a whole or not at all', async () => {
    const good = { channel: 'a', json: 1 };
    for (const bad of [{ channel: 'a' }, { channel: 'closed:x', json: 1 }, { channel: '', json: 1 }])
      expect((await post(batchOf(good, good, bad, good))).body).toMatchObject({ error: {}, index: 2 });
    expect(published).toEqual([]);
  });

  test('says how many of it are in doubt', async () => {
    outcome = Promise.resolve('unknown');
    const body = batchOf({ channel: 'a', json: 1 }, { channel: 'b', json: 1 });
    expect(await post(body)).toMatchObject({ status: 503, body: { published: 0, unknown: 2 } });
  });
});

describe('a stream of lines', () => {
  const lines = (body: string) => post(body, { type: 'application/x-ndjson' });

  test('is published line by line, and the mistakes are listed', async () => {
    const body = `${one}\n\r\n{"channel":"closed:x","json":1}\nnonsense\n{"channel":"b","text":"x"}`;
    expect(await lines(body)).toMatchObject({
      status: 200,
      body: {
        published: 2,
        refused: 2,
        unknown: 0,
        errors: [
          { line: 3, code: 111, name: 'not_permitted' },
          { line: 4, code: 100, name: 'bad_request' },
        ],
      },
    });
    expect(published).toEqual([
      ['a', '[1.0]'],
      ['b', 'x'],
    ]);
    expect(metrics.apiErrors.values).toMatchObject({ not_permitted: 1, bad_request: 1 });
  });

  test('lists ten mistakes and counts all', async () => {
    const { body } = await lines('x\n'.repeat(25));
    expect(body).toMatchObject({ published: 0, refused: 25 });
    expect(body.errors).toHaveLength(10);
  });

  test('may be empty', async () => {
    expect(await lines('')).toMatchObject({ status: 200, body: { published: 0, refused: 0 } });
  });

  test('takes no batch in a line', async () => {
    expect((await lines(batchOf({ channel: 'a', json: 1 }))).body).toMatchObject({
      published: 0,
      refused: 1,
    });
  });

  test('ends at a line that is too long, with what became of those before', async () => {
    expect(await lines(`${one}\n${' '.repeat(1_001)}\n${one}`)).toMatchObject({
      status: 413,
      body: { error: { code: 109 }, published: 1 },
      headers: { Connection: 'close' },
    });
    expect(published).toHaveLength(1);
  });

  test('says how many are in doubt', async () => {
    outcome = Promise.resolve('failed');
    expect(await lines(`${one}\n${one}`)).toMatchObject({
      status: 503,
      body: { error: { code: 201 }, published: 0, unknown: 2 },
    });
  });

  test('is nobody to answer to when its peer went away', async () => {
    await post({ aborted: true }, { type: 'application/x-ndjson' });
    expect(published).toEqual([]);
  });
});

describe('a key without room', () => {
  const refused = { outcome: 'refused' as const };
  const appended = { outcome: 'confirmed' as const, position: { epoch: 'e', offset: 7 }, duplicate: false };
  const keyed = (text: string) => ({ channel: 'latest:a', text, key: 'k' });

  test('is refused, whatever else is published', async () => {
    outcomes = [refused];
    expect(await post(JSON.stringify(keyed('x')))).toMatchObject({
      status: 400,
      body: { error: { code: 112, name: 'too_many_keys' } },
    });
    outcomes = [appended, refused, appended];
    expect((await post(batchOf(keyed('1'), keyed('2'), keyed('3')))).body).toMatchObject({
      ...{ error: { code: 112 }, published: 2, refused: [1] },
      positions: [{ offset: 7 }, null, { offset: 7 }],
    });
  });

  test('is a line that is refused', async () => {
    outcomes = [appended, refused];
    const lines = [keyed('1'), keyed('2')].map((line) => JSON.stringify(line)).join('\n');
    expect(await post(lines, { type: 'application/x-ndjson' })).toMatchObject({
      status: 200,
      body: { published: 1, refused: 1, unknown: 0, errors: [{ line: 2, code: 112 }] },
    });
    expect(metrics.apiErrors.values.too_many_keys).toBe(1);
  });
});
