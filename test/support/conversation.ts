/**
 * What a native client says and hears of one channel, in either codec, as the objects of JSON: those of MessagePack get the
 * same names. Whoever follows the channel looks at these alone.
 */
import { NativeClient, type Subprotocol } from './native-client.ts';

export interface Position {
  readonly epoch: string;
  readonly offset: number;
}

/** What is wanted of before. */
export interface Wish {
  since?: Position;
  last?: number;
}

/** What is published beside the channel; without a text the key is deleted. */
export interface Published {
  text: string | null;
  key?: string | undefined;
  idempotencyKey?: string | undefined;
}

// biome-ignore lint/suspicious/noExplicitAny: whatever a node says, a test compares
export type Fields = Record<string, any>;

const gapReasons = ['', 'bridge', 'bridge_away', 'epoch_changed', 'not_kept', 'healed'];
const joinedFields = 'channel number sequence degraded epoch offset recovered reason snapshot';

/** Of the messages that are understood here: what stands behind their number. */
const forms: Readonly<Record<number, readonly [type: string, fields: string]>> = {
  2: ['subscribed', 'id channels refused'],
  4: ['published', 'id degraded epoch offset duplicate'],
  7: ['batch', 'number sequence time publications offset'],
  8: ['gap', 'number reason epoch offset'],
  9: ['error', 'id code message'],
  10: ['snapshot', 'number reason epoch offset count sequence'],
  11: ['degraded', 'number'],
};

export class Conversation {
  readonly channel: string;
  readonly #native: NativeClient;
  readonly #json: boolean;
  #lastId = 1;
  /** By id: who waits for the answer to a publish. */
  readonly #answers = new Map<number, (answer: Fields) => void>();

  private constructor(native: NativeClient, channel: string, json: boolean) {
    this.#native = native;
    this.channel = channel;
    this.#json = json;
  }

  /** @param hear gets every message that answers no publish */
  static async begin(
    url: string,
    channel: string,
    subprotocol: Subprotocol,
    hear: (message: Fields) => void,
  ): Promise<Conversation> {
    const native = await NativeClient.connect(url, subprotocol);
    const conversation = new Conversation(native, channel, subprotocol === 'outcry.v1.json');
    void conversation.#listen(hear);
    return conversation;
  }

  subscribe({ since, last }: Wish): void {
    const { channel } = this;
    const entry = this.#json
      ? { channel, ...(since && { since }), ...(last !== undefined && { last }) }
      : [channel, since ? [since.epoch, since.offset] : null, last ?? null];
    this.#native.say(this.#json ? { type: 'subscribe', id: 1, channels: [entry] } : [2, 1, [entry]]);
  }

  /** Resolves with the answer: `published`, or `error`. */
  publish(published: Published): Promise<Fields> {
    this.#lastId += 1;
    const id = this.#lastId;
    this.#say(id, published);
    return new Promise((resolve) => this.#answers.set(id, resolve));
  }

  /** The same without an id, which nobody answers unless it is refused. */
  publishUnanswered(published: Published): void {
    this.#say(undefined, published);
  }

  /** Reads nothing more until `read`. */
  stopReading(): void {
    this.#native.client.socket.pause();
  }

  read(): void {
    this.#native.client.socket.resume();
  }

  /** Resolves when the connection has ended. */
  get closed(): Promise<{ code: number }> {
    return this.#native.client.closed;
  }

  close(): Promise<void> {
    return this.#native.client.close();
  }

  #say(id: number | undefined, { text, key, idempotencyKey }: Published): void {
    const { channel } = this;
    const payload = text === null ? { deleted: true } : { text };
    if (this.#json) {
      this.#native.say({ type: 'publish', id, channel, key, idempotencyKey, ...payload });
      return;
    }
    const optional = [idempotencyKey ?? null, key ?? null];
    while (optional.at(-1) === null) optional.pop();
    this.#native.say([4, id ?? null, channel, text, ...optional]);
  }

  async #listen(hear: (message: Fields) => void): Promise<void> {
    try {
      for (;;) {
        const heard = await this.#native.hear();
        const message = this.#json ? (heard as Fields) : named(heard as unknown[]);
        const answer = this.#answers.get(message.id);
        const isAnswer = message.type === 'published' || message.type === 'error';
        if (!isAnswer || answer === undefined) hear(message);
        else {
          this.#answers.delete(message.id);
          answer(message);
        }
      }
    } catch {
      // The connection has ended.
    }
  }
}

/** A message of MessagePack with the names of JSON. */
function named([number, ...values]: unknown[]): Fields {
  const [type, fields] = forms[number as number] ?? ['other', ''];
  const message: Fields = { type, ...byName(fields, values) };
  if (type === 'gap') message.reason = gapReasons[message.reason];
  if (type === 'batch') message.publications = message.publications.map(publication);
  if (type === 'subscribed') {
    message.channels = message.channels.map((each: unknown[]) => byName(joinedFields, each));
    message.refused = message.refused?.map((each: unknown[]) => byName('channel code message', each));
  }
  return message;
}

/** Texts, which these tests publish. */
function publication(value: unknown): Fields {
  if (!Array.isArray(value)) return { text: value };
  const [key, text] = value;
  return text === undefined ? { key, deleted: true } : { key, text };
}

/** Without what is absent. */
function byName(names: string, values: readonly unknown[]): Fields {
  const entries = names.split(' ').map((name, at) => [name, values[at]] as const);
  return Object.fromEntries(entries.filter(([, value]) => (value ?? null) !== null));
}
