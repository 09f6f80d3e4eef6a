import { beforeEach, describe, expect, test } from 'vitest';
import { fakeRequest, handshakeHeaders, type RequestParts } from '../../test/support/fake-request.ts';
import { FakeSocket } from '../../test/support/fake-socket.ts';
import { openConnection } from '../../test/support/idle-protocol.ts';
import { defaultChannel } from '../channel/channel-name.ts';
import type { Protocol } from '../connection/connection.ts';
import type { Answer } from '../connection/admission.ts';
import { Connections } from '../connection/connections.ts';
import type { NativeState } from '../connection/native-state.ts';
import type { RawState } from '../connection/raw-room.ts';
import { Readiness } from '../lifecycle/readiness.ts';
import { Metrics } from '../metrics/metrics.ts';
import type { HttpReply, Upgrade } from '../transport/transport.ts';
import type { NativeProtocol } from './native-protocol.ts';
import { PublicListener } from './public-listener.ts';

let metrics: Metrics;
let connections: Connections;
let readiness: Readiness;
let prepared: string[];
let reach: boolean | Promise<boolean>;
let listener: PublicListener;
/** Who opened which channel under which protocol. */
let opened: [protocol: string, channel: string][];
let admitted: Answer;
let short: boolean;

beforeEach(() => {
  opened = [];
  admitted = 'welcome';
  short = false;
  prepared = [];
  reach = true;
  metrics = new Metrics();
  readiness = new Readiness();
  readiness.has('start');
  connections = new Connections('boot', { maxConnections: 2, maxControlFrames: 5 }, metrics);
  const protocol = <State extends RawState | NativeState>(name: string): Protocol<State> => ({
    opened: ({ state }) => void opened.push([name, typeof state === 'string' ? state : '']),
    ping() {},
    received() {},
    mute() {},
    closed() {},
  });
  const native = (subprotocol: string): NativeProtocol => ({
    codec: { subprotocol },
    ...protocol<NativeState>(subprotocol),
  });
  listener = new PublicListener({
    policy: { origins: ['https://example.com'], maxUrlBytes: 100, maxHeaderBytes: 1_000 },
    connections,
    readiness,
    memory: {
      get refusesNewcomers() {
        return short;
      },
    },
    admission: { ask: () => admitted },
    bridge: {
      prepare(channel) {
        prepared.push(channel);
        return reach;
      },
    },
    metrics,
    assets: new Map([['/', { headers: { 'Content-Type': 'text/html' }, body: Buffer.from('<p>') }]]),
    rawRoom: protocol('raw'),
    rawRoomWithHello: protocol('raw with hello'),
    natives: [native('outcry.v1.json'), native('outcry.v1.msgpack')],
    channelPolicy: {
      maySubscribe: (channel) => channel !== 'closed',
      compresses: (channel) => channel === 'compressed',
      compressesAny: true,
    },
  });
});

function get(parts: RequestParts = {}): HttpReply {
  const reply = listener.handle(fakeRequest(parts));
  if ('session' in reply || reply instanceof Promise) throw new Error('a WebSocket was not asked for');
  return reply;
}

/** Connects and returns what was opened, or the reply that refused it. */
function connect({ headers, ...parts }: RequestParts = {}) {
  const decision = listener.handle(fakeRequest({ ...parts, headers: { ...handshakeHeaders, ...headers } }));
  return decision instanceof Promise ? decision.then(open) : open(decision);
}

function open(decision: HttpReply | Upgrade) {
  if (!('session' in decision)) return decision;
  new FakeSocket(decision.session);
  return opened.at(-1);
}

describe('compression', () => {
  test.each([
    ['native clients', '/', 'outcry.v1.json', 'permessage-deflate', true],
    ['native clients that do not offer it', '/', 'outcry.v1.json', 'x', false],
    ['raw rooms that are compressed', '/raw/compressed', undefined, 'permessage-deflate', true],
    ['other raw rooms', '/raw/left', undefined, 'permessage-deflate', false],
  ])('is agreed on with %s', async (_who, path, subprotocol, offer, deflate) => {
    const offered = subprotocol === undefined ? {} : { 'sec-websocket-protocol': subprotocol };
    const headers = { ...handshakeHeaders, ...offered, 'sec-websocket-extensions': offer };
    for (reach of [true, Promise.resolve(true)])
      expect(await listener.handle(fakeRequest({ path, headers }))).toMatchObject({ deflate });
  });
});

describe('a WebSocket', () => {
  test.each([
    ['/', '', ['raw', defaultChannel]],
    ['/raw/left', '', ['raw', 'left']],
    ['/raw/a%2Fb', '', ['raw', 'a/b']],
    ['/', 'hello=1', ['raw with hello', defaultChannel]],
    ['/raw/left', 'x=2&hello=1', ['raw with hello', 'left']],
    ['/', 'hello=0', ['raw', defaultChannel]],
    ['/', 'hello', ['raw', defaultChannel]],
    ['/', 'xhello=1', ['raw', defaultChannel]],
  ])('to %s with the query %j is %j', (path, query, expected) => {
    expect(connect({ path, query })).toEqual(expected);
    expect(connections.open).toBe(1);
  });

  test.each([
    ['method', { method: 'POST' }],
    ['url_too_long', { urlBytes: 101 }],
    ['headers_too_large', { headerBytes: 1_001 }],
    ['malformed', { headers: { host: '' } }],
    ['malformed', { path: '/raw/%00' }],
    ['version', { headers: { 'sec-websocket-version': '8' } }],
    ['origin', { headers: { origin: 'https://evil.example' } }],
    ['subprotocol', { headers: { 'sec-websocket-protocol': 'chat' } }],
    ['path', { path: '/chat' }],
    ['not_permitted', { path: '/raw/closed' }],
  ] as const)('is refused and counted as %s for %j', (reason, parts) => {
    expect(connect(parts)).toMatchObject({ headers: { Connection: 'close' } });
    const { [reason]: counted, ...others } = metrics.handshakesRefused.values;
    expect(counted).toBe(1);
    expect(new Set(Object.values(others))).toEqual(new Set([0]));
    expect(opened).toEqual([]);
  });

  test.each([
    ['outcry.v1.json', 'outcry.v1.json'],
    ['outcry.v1.msgpack', 'outcry.v1.msgpack'],
    ['chat, outcry.v1.msgpack, outcry.v1.json', 'outcry.v1.msgpack'],
    ['chat,outcry.v1.json', 'outcry.v1.json'],
  ])('that offers %s speaks %s, on any path', (offered, chosen) => {
    const headers = { ...handshakeHeaders, 'sec-websocket-protocol': offered };
    const decision = listener.handle(fakeRequest({ path: '/any/path', headers }));
    expect(decision).toMatchObject({ subprotocol: chosen });
    open(decision as Upgrade);
    expect(opened).toEqual([[chosen, '']]);
    expect(prepared).toEqual([]);
  });

  test('is refused by a node that is full, until somebody leaves', () => {
    const first = openConnection(connections);
    openConnection(connections);
    expect(connect()).toMatchObject({ status: 503, headers: { 'Retry-After': '5' } });
    expect(metrics.handshakesRefused.values.full).toBe(1);
    first.connection.closed({ code: 1000 });
    expect(connect()).toEqual(['raw', defaultChannel]);
  });

  test('is refused while memory is short', () => {
    short = true;
    expect(connect()).toMatchObject({ status: 503, headers: { 'Retry-After': '5' } });
    expect(metrics.handshakesRefused.values.memory).toBe(1);
  });

  test('that comes with too many others is told when to come back, so that it can read it', () => {
    admitted = { retryAfterMs: 1_200, mayBeTold: true };
    expect(connect()).toMatchObject({ status: 503, headers: { 'Retry-After': '2' } });
    const socketOf = (headers: Record<string, string>) => {
      const decision = listener.handle(fakeRequest({ headers: { ...handshakeHeaders, ...headers } }));
      return [decision, new FakeSocket((decision as Upgrade).session)] as const;
    };
    const [, page] = socketOf({ origin: 'https://example.com' });
    const [upgrade, native] = socketOf({ 'sec-websocket-protocol': 'outcry.v1.json' });
    expect([page.closes, page.reasons]).toEqual([[1013], ['{"reason":"busy","retryAfterMs":1200}']]);
    expect([upgrade, native.closes]).toEqual([
      expect.objectContaining({ subprotocol: 'outcry.v1.json' }),
      [1013],
    ]);
    expect([metrics.handshakesRefused.values.busy, metrics.handshakesTold.value]).toEqual([3, 2]);
    expect([opened, prepared, connections.open]).toEqual([[], [], 0]);
  });

  test('is not even told when there are too many of those', () => {
    admitted = { retryAfterMs: 1_200, mayBeTold: false };
    const headers = { origin: 'https://example.com' };
    expect(connect({ headers })).toMatchObject({ status: 503, headers: { 'Retry-After': '2' } });
    expect(metrics.handshakesTold.value).toBe(0);
  });

  test('is refused by a node that is stopping, full or not', () => {
    openConnection(connections);
    openConnection(connections);
    readiness.stopping();
    readiness.close();
    expect(connect()).toMatchObject({ status: 503, headers: { 'Retry-After': '1' } });
    expect(metrics.handshakesRefused.values).toMatchObject({ stopping: 1, full: 0 });
  });

  test('is taken by a node that is only not ready any more', () => {
    readiness.stopping();
    expect(connect()).toEqual(['raw', defaultChannel]);
  });

  test('is answered when the bridge is ready for its channel, and not before', async () => {
    let confirm: (reached: boolean) => void = () => {};
    reach = new Promise((resolve) => {
      confirm = resolve;
    });
    const answer = connect({ path: '/raw/left' });
    expect([prepared, opened]).toEqual([['left'], []]);
    confirm(false);
    expect(await answer).toEqual(['raw', 'left']);
  });

  test('is refused if the node has filled up or is stopping when the bridge is ready', async () => {
    reach = Promise.resolve(true);
    const late = connect();
    openConnection(connections);
    openConnection(connections);
    expect(await late).toMatchObject({ status: 503, headers: { 'Retry-After': '5' } });
    const later = connect();
    readiness.close();
    expect(await later).toMatchObject({ status: 503 });
  });

  test('that is refused does not bother the bridge', () => {
    connect({ method: 'POST' });
    expect(prepared).toEqual([]);
  });

  test('is not counted before the runtime has opened it', () => {
    listener.handle(fakeRequest({ headers: handshakeHeaders }));
    expect([connections.open, opened]).toEqual([0, []]);
  });
});

describe('a plain request', () => {
  test('gets a file of the demo page', () => {
    expect(get()).toEqual({
      status: 200,
      headers: { 'Content-Type': 'text/html' },
      body: Buffer.from('<p>'),
    });
  });

  test('gets the health routes', () => {
    expect(get({ path: '/health/ready' }).status).toBe(200);
    readiness.stopping();
    expect(get({ path: '/health/ready' }).status).toBe(404);
  });

  test.each(['/metrics', '/raw/left', '/index.html', '/../package.json', '/__proto__', ''])(
    'finds nothing at %j',
    (path) => {
      expect(get({ path })).toMatchObject({ status: 404, body: expect.stringContaining('demo page') });
    },
  );

  test('may only read', () => {
    expect(get({ method: 'HEAD' }).status).toBe(200);
    expect(get({ method: 'POST' })).toMatchObject({ status: 405, headers: { Allow: 'GET, HEAD' } });
  });

  test('that is too large is refused and counted apart from handshakes', () => {
    expect(get({ urlBytes: 101 }).status).toBe(414);
    expect(get({ headerBytes: 1_001 }).status).toBe(431);
    expect(metrics.requestsRefused.values).toEqual({ url_too_long: 1, headers_too_large: 1 });
    expect(metrics.handshakesRefused.values.url_too_long).toBe(0);
  });
});
