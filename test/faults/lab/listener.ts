/**
 * One client of the lab, on the real SDK: joins channels and writes what it hears of each into a page of the ledger.
 */
import type { WebSocket } from 'ws';
import { type Client, connect } from '../../../src/client/client.ts';
import type { Ledger } from './ledger.ts';
import { opened } from './message.ts';
import type { Page } from './page.ts';
import { pausableWebSockets } from './pausable-web-socket.ts';

export interface ListenerOptions {
  url: string;
  channels: readonly string[];
  ledger: Ledger;
  codec?: 'json' | 'msgpack';
}

/** One loss of a connection, and the way back. */
export interface Outage {
  code: number;
  lostAt: number;
  /** What the client chose to wait, all attempts together. */
  backoffMs: number;
  /** Null until it is back. */
  backAt: number | null;
  /** Null until all its channels are joined again, and it has what it missed where there is a history. */
  joinedAt: number | null;
}

export class Listener {
  readonly client: Client;
  readonly outages: Outage[] = [];
  /** How often it came back to a channel with a history and was told that it has everything, or that it has not. */
  readonly recoveries = { whole: 0, not: 0 };
  /** One for each channel. */
  readonly pages: Page[] = [];
  readonly #sockets: WebSocket[];
  readonly #joined: Promise<unknown>;
  /** Channels that are not joined again yet. */
  readonly #missing = new Set<string>();

  constructor({ url, channels, ledger, codec = 'json' }: ListenerOptions) {
    const { WebSocket, made } = pausableWebSockets();
    this.#sockets = made;
    this.client = connect(url, { WebSocket, codec });
    this.client.on('error', () => {}); // Every one is followed by a `disconnected`.
    this.client.on('disconnected', ({ code, retryInMs }) => this.#lost(code, retryInMs));
    this.client.on('connected', () => {
      const outage = this.outages.at(-1);
      if (outage !== undefined) outage.backAt ??= performance.now();
      // A long-lived client of the lab needs no more than its last connection.
      this.#sockets.splice(0, this.#sockets.length - 1);
    });
    this.#joined = Promise.all(channels.map((channel) => this.#join(channel, ledger.page(channel))));
  }

  /** Resolves when all channels are joined. */
  async ready(): Promise<void> {
    await this.#joined;
  }

  joined(channel: string): boolean {
    return this.pages.some((page) => page.channel === channel);
  }

  /** Stops reading: what it is sent waits in the kernels, then in the node. */
  pause(): void {
    this.#sockets.at(-1)?.pause();
  }

  resume(): void {
    for (const socket of this.#sockets) socket.resume();
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.resume();
    await this.client.close();
  }

  #join(channel: string, page: Page): Promise<void> {
    const subscription = this.client.subscribe(channel);
    this.pages.push(page);
    subscription.on('publication', ({ data }) => page.heard(opened(data), performance.now()));
    subscription.on('gap', () => page.sign('gap', performance.now()));
    subscription.on('subscribed', (event) => {
      const now = performance.now();
      const unrecovered = event.recovered === false;
      page.sign(event.degraded ? 'degraded' : unrecovered ? 'gap' : 'rejoined', now);
      if (event.recovered !== null) this.recoveries[event.recovered ? 'whole' : 'not'] += 1;
      this.#missing.delete(channel);
      const outage = this.outages.at(-1);
      if (outage !== undefined && this.#missing.size === 0) outage.joinedAt ??= now;
    });
    this.client.on('degraded', (event) => {
      if (event.channel === channel) page.sign('degraded', performance.now());
    });
    subscription.on('error', () => {}); // Tried again, or the page shows what is missing.
    return subscription.ready().then(() => page.open());
  }

  #lost(code: number, retryInMs: number): void {
    const now = performance.now();
    const outage = this.outages.at(-1);
    if (outage !== undefined && outage.backAt === null) {
      outage.backoffMs += retryInMs;
      return;
    }
    this.outages.push({ code, lostAt: now, backoffMs: retryInMs, backAt: null, joinedAt: null });
    for (const { channel } of this.pages) this.#missing.add(channel);
    for (const page of this.pages) page.sign('lost', now);
  }
}
