import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { backoffMs, ReconnectingSocket } from './reconnecting-socket.js';

/** A browser's WebSocket that does what a test says. */
class FakeWebSocket {
  static readonly OPEN = 1;
  readyState = 0;
  onopen = () => {};
  onmessage = (_event: { data: unknown }) => {};
  onclose = (_event: { code: number; reason: string }) => {};
  readonly sent: string[] = [];
  closes = 0;

  constructor(readonly url: string) {
    sockets.push(this);
  }

  send(text: string): void {
    this.sent.push(text);
  }

  close(): void {
    this.closes += 1;
  }

  open(): void {
    this.readyState = 1;
    this.onopen();
  }

  lose(code = 1006, reason = ''): void {
    this.readyState = 3;
    this.onclose({ code, reason });
  }
}

let sockets: FakeWebSocket[];
let states: { name: string; why?: string; retryAtMs?: number }[];
let messages: unknown[];
let random: number;
let socket: ReconnectingSocket;
let browserWindow: EventTarget;

const last = () => sockets.at(-1) as FakeWebSocket;
const names = () => states.map(({ name }) => name);

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
  sockets = [];
  states = [];
  messages = [];
  random = 0.5;
  browserWindow = new EventTarget();
  vi.stubGlobal('WebSocket', FakeWebSocket);
  vi.stubGlobal('window', browserWindow);
  vi.stubGlobal('navigator', { onLine: true });
  vi.spyOn(Math, 'random').mockImplementation(() => random);
  socket = new ReconnectingSocket('ws://localhost', {
    onState: (state) => states.push(state),
    onMessage: (data) => messages.push(data),
  });
});

afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
  vi.restoreAllMocks();
});

/** How long it waits after each of `times` losses that follow each other at once. */
function waits(times: number): number[] {
  return Array.from({ length: times }, () => {
    last().lose();
    const wait = (states.at(-1)?.retryAtMs ?? Number.NaN) - performance.now();
    vi.advanceTimersByTime(wait);
    return wait;
  });
}

describe('the back-off', () => {
  test('is random below a bound that doubles up to 20 s', () => {
    expect([0, 1, 2, 3, 4, 5, 6, 7, 5_000].map((attempt) => backoffMs(attempt, 0.5) * 2)).toEqual([
      500, 1_000, 2_000, 4_000, 8_000, 16_000, 20_000, 20_000, 20_000,
    ]);
    expect(backoffMs(3, 0)).toBe(0);
    expect(backoffMs(3, 0.999)).toBeLessThan(4_000);
  });

  test('grows with each loss', () => {
    expect(waits(4)).toEqual([250, 500, 1_000, 2_000]);
    expect(sockets.length).toBe(5);
  });

  test('grows when nodes accept and drop at once', () => {
    const times = [0, 1, 2].map(() => {
      last().open();
      vi.advanceTimersByTime(4_999);
      return waits(1)[0];
    });
    expect(times).toEqual([250, 500, 1_000]);
  });

  test('begins anew after a connection that lasted', () => {
    waits(5);
    last().open();
    vi.advanceTimersByTime(5_000);
    expect(waits(2)).toEqual([250, 500]);
  });
});

describe('a connection', () => {
  test('is made at once, and tells how it stands', () => {
    expect([sockets.length, last().url, names()]).toEqual([1, 'ws://localhost', ['connecting']]);
    last().open();
    last().lose();
    expect(names()).toEqual(['connecting', 'open', 'waiting']);
    vi.advanceTimersByTime(249);
    expect(sockets.length).toBe(1);
    vi.advanceTimersByTime(1);
    expect(names()).toEqual(['connecting', 'open', 'waiting', 'connecting']);
  });

  test('hands on what comes, and sends only while it is open', () => {
    expect(socket.send('early')).toBe(false);
    last().open();
    expect(socket.send('hi')).toBe(true);
    last().onmessage({ data: 'ho' });
    last().lose();
    expect(socket.send('late')).toBe(false);
    expect([sockets[0]?.sent, messages]).toEqual([['hi'], ['ho']]);
  });

  test('ends for good where coming back would end the same way, until it is asked for', () => {
    last().open();
    last().lose(1008);
    vi.advanceTimersByTime(1_000_000);
    expect([sockets.length, names().at(-1)]).toEqual([1, 'ended']);
    socket.connectNow();
    expect([sockets.length, names().at(-1)]).toEqual([2, 'connecting']);
  });
});

describe('a wait', () => {
  test.each<[string, () => void]>([
    ['whoever asks', () => socket.connectNow()],
    ['the network', () => browserWindow.dispatchEvent(new Event('online'))],
  ])('is cut short by %s, and only one connection comes of it', (_what, cut) => {
    last().lose();
    cut();
    cut();
    vi.advanceTimersByTime(1_000_000);
    expect(sockets.length).toBe(2);
  });

  test('is as long as the node said, whatever the back-off and the network say', () => {
    last().open();
    last().lose(1001, '{"reason":"stopping","retryAfterMs":1500}');
    browserWindow.dispatchEvent(new Event('online'));
    vi.advanceTimersByTime(1_499);
    expect([sockets.length, states.at(-1)?.retryAtMs]).toEqual([1, 1_500]);
    vi.advanceTimersByTime(1);
    expect(sockets.length).toBe(2);
    last().lose();
    browserWindow.dispatchEvent(new Event('online'));
    expect(sockets.length).toBe(3);
  });

  test('is not cut short by what an older socket still says', () => {
    const old = last();
    old.lose();
    socket.connectNow();
    const before = states.length;
    old.onopen();
    old.onmessage({ data: 'late' });
    old.onclose({ code: 1006, reason: '' });
    expect([states.length, messages, sockets.length]).toEqual([before, [], 2]);
  });
});

describe('stopping', () => {
  test('closes the connection and says nothing more', () => {
    last().open();
    socket.stop();
    expect(last().closes).toBe(1);
    last().onmessage({ data: 'late' });
    last().lose();
    browserWindow.dispatchEvent(new Event('online'));
    vi.advanceTimersByTime(1_000_000);
    expect([names(), messages, sockets.length]).toEqual([['connecting', 'open'], [], 1]);
  });

  test('ends a wait', () => {
    last().lose();
    socket.stop();
    vi.advanceTimersByTime(1_000_000);
    expect(sockets.length).toBe(1);
  });
});
