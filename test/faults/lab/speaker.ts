/**
 * A publisher of the lab, on the real SDK: speaks into its channels in turn at an even rate, and writes into the ledger
 * what it was told about each message.
 */
import { type Client, connect } from '../../../src/client/client.ts';
import { OutcryError } from '../../../src/client/outcry-error.ts';
import type { Ledger } from './ledger.ts';
import { sealed } from './message.ts';
import type { Outcome } from './page.ts';
import { PlainWebSocket } from './pausable-web-socket.ts';

export interface SpeakerOptions {
  name: string;
  url: string;
  channels: readonly string[];
  ledger: Ledger;
  messagesPerSecond: number;
  /** Characters that make each message longer. */
  fillerLength?: number;
  /** Each message has an idempotency key, so that the SDK may repeat it. */
  keyed?: boolean;
}

const tickMs = 10;

export class Speaker {
  readonly client: Client;
  /** The longest that an answer took, in milliseconds. */
  longestAnswerMs = 0;
  readonly #options: SpeakerOptions;
  readonly #filler: string;
  #timer: NodeJS.Timeout | null = null;
  #said = 0;
  #startedAt = 0;
  #saidBefore = 0;
  readonly #unanswered = new Set<Promise<unknown>>();

  constructor(options: SpeakerOptions) {
    this.#options = options;
    this.#filler = 'x'.repeat(options.fillerLength ?? 0);
    this.client = connect(options.url, { WebSocket: PlainWebSocket });
    this.client.on('error', () => {}); // The promise of each publication tells.
  }

  start(): void {
    this.#startedAt = performance.now();
    this.#saidBefore = this.#said;
    this.#timer = setInterval(() => {
      const seconds = (performance.now() - this.#startedAt) / 1_000;
      const due = this.#saidBefore + seconds * this.#options.messagesPerSecond;
      while (this.#said < due) void this.say();
    }, tickMs);
  }

  /** One message into the next channel. Resolves with what the node said of it. */
  say(): Promise<Outcome> {
    const { channels, name, ledger, keyed = false } = this.#options;
    const channel = channels[this.#said % channels.length] as string;
    this.#said += 1;
    const sentAt = performance.now();
    const number = ledger.publish(channel, name, sentAt);
    const message = sealed({ channel, publisher: name, number, sentAt, filler: this.#filler });
    const options = keyed ? { idempotencyKey: `${name} ${number}` } : {};
    const answered = this.client.publish(channel, message, options).then(
      ({ degraded }): Outcome => (degraded ? 'degraded' : 'acked'),
      (error): Outcome => outcomeOf(error),
    );
    const settled = answered.then((outcome) => {
      ledger.settle(channel, name, number, outcome);
      this.longestAnswerMs = Math.max(this.longestAnswerMs, performance.now() - sentAt);
      this.#unanswered.delete(settled);
      return outcome;
    });
    this.#unanswered.add(settled);
    return settled;
  }

  /** Says nothing more. Resolves when everything is answered. */
  async stop(): Promise<void> {
    if (this.#timer !== null) clearInterval(this.#timer);
    this.#timer = null;
    await Promise.all(this.#unanswered);
  }

  async close(): Promise<void> {
    if (this.#timer !== null) clearInterval(this.#timer);
    await this.client.close();
    await Promise.all(this.#unanswered);
  }
}

function outcomeOf(error: unknown): Outcome {
  return error instanceof OutcryError && error.name !== 'outcome_unknown' ? 'failed' : 'unknown';
}
