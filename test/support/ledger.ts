/**
 * A speaker and listeners in a channel with history, over the SDK as a program has it, and a ledger of what each was told. The
 * numbers are published one after the other, each acknowledged.
 */
import { WebSocket } from 'ws';
import type { Client } from '../../src/client/client.ts';
import { connect } from '../../src/client/index.ts';
import { until } from './until.ts';

/** What one listener lived through. */
interface Account {
  next: number;
  lost: number;
  doubled: number;
  gaps: number;
  /** Longest time between two publications, and the close codes that it saw. */
  silenceMs: number;
  heardAt: number;
  codes: number[];
}

export class Ledger {
  readonly accounts: Account[] = [];
  published = 0;
  /** Publications that were not acknowledged, which is not the same as lost. */
  failed = 0;
  readonly #clients: Client[] = [];
  readonly #speaker: Client;
  readonly #channel: string;
  #speaking: Promise<void> | null = null;
  #stopped = false;

  private constructor(url: string, channel: string) {
    this.#channel = channel;
    this.#speaker = this.#connect(url);
  }

  /** @param url of the balancer */
  static async open(url: string, channel: string, listeners: number): Promise<Ledger> {
    const ledger = new Ledger(url, channel);
    await Promise.all(Array.from({ length: listeners }, () => ledger.#listen(url)));
    return ledger;
  }

  /** Publishes a number each `everyMs`, until `settle`. */
  speak(everyMs: number): void {
    this.#speaking = (async () => {
      while (!this.#stopped) {
        const number = this.published + 1;
        try {
          await this.#speaker.publish(this.#channel, number, { idempotencyKey: `${number}` });
          this.published = number;
        } catch {
          this.failed += 1; // The same number is published again, with its key.
        }
        await new Promise((resolve) => setTimeout(resolve, everyMs));
      }
    })();
  }

  /** Stops speaking, and waits until every listener has heard the last number or been told that something is missing. */
  async settle(): Promise<void> {
    this.#stopped = true;
    await this.#speaking;
    await until(
      () => this.accounts.filter(({ next }) => next <= this.published).length,
      (behind) => behind === 0,
      { withinMs: 20_000, what: `everybody hears ${this.published}` },
    );
  }

  /** Added up over all listeners. */
  get sum(): { lost: number; doubled: number; gaps: number; moved: number } {
    const sum = { lost: 0, doubled: 0, gaps: 0, moved: 0 };
    for (const { lost, doubled, gaps, codes } of this.accounts) {
      sum.lost += lost;
      sum.doubled += doubled;
      sum.gaps += gaps;
      sum.moved += codes.length;
    }
    return sum;
  }

  async close(): Promise<void> {
    this.#stopped = true;
    await Promise.all(this.#clients.map((client) => client.close()));
    await this.#speaking;
  }

  async #listen(url: string): Promise<void> {
    const client = this.#connect(url);
    const now = performance.now();
    const account: Account = {
      ...{ next: 1, lost: 0, doubled: 0, gaps: 0, silenceMs: 0, heardAt: now },
      codes: [],
    };
    this.accounts.push(account);
    client.on('disconnected', ({ code }) => account.codes.push(code));
    const subscription = client.subscribe<number>(this.#channel);
    subscription.on('gap', () => {
      account.gaps += 1;
    });
    subscription.on('publication', ({ data }) => write(account, data));
    await new Promise<void>((resolve) => {
      subscription.on('subscribed', () => resolve());
    });
  }

  #connect(url: string): Client {
    const client = connect(url, { WebSocket: WebSocket as never });
    client.on('error', () => {}); // What comes of it stands in the accounts.
    this.#clients.push(client);
    return client;
  }
}

function write(account: Account, number: number): void {
  const now = performance.now();
  account.silenceMs = Math.max(account.silenceMs, now - account.heardAt);
  account.heardAt = now;
  if (number < account.next) account.doubled += 1;
  else {
    account.lost += number - account.next;
    account.next = number + 1;
  }
}
