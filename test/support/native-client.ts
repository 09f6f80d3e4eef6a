/**
 * A native client for tests that says and hears plain values, in either codec. MessagePack goes through an independent
 * library, so that nothing of ours checks itself.
 */
import { addExtension, Packr, Unpackr } from 'msgpackr';
import type { ClientOptions } from 'ws';
import { TestClient } from './client.ts';

export type Subprotocol = 'outcry.v1.json' | 'outcry.v1.msgpack';

/** A JSON payload as its text. */
export class JsonText {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

addExtension({
  Class: JsonText,
  type: 1,
  pack: ({ text }: JsonText) => Buffer.from(text),
  unpack: (bytes: Uint8Array) => new JsonText(Buffer.from(bytes).toString()),
});

const packr = new Packr({ useRecords: false });
const unpackr = new Unpackr({ useRecords: false });

export class NativeClient {
  readonly client: TestClient;
  readonly #subprotocol: Subprotocol;
  readonly #heard: unknown[] = [];

  private constructor(client: TestClient, subprotocol: Subprotocol) {
    this.client = client;
    this.#subprotocol = subprotocol;
  }

  static async open(
    url: string,
    subprotocol: Subprotocol,
    options: ClientOptions = {},
  ): Promise<NativeClient> {
    return new NativeClient(await TestClient.open(url, options, subprotocol), subprotocol);
  }

  /** Open, and connected: the answer is taken. */
  static async connect(
    url: string,
    subprotocol: Subprotocol,
    options: ClientOptions = {},
  ): Promise<NativeClient> {
    const native = await NativeClient.open(url, subprotocol, options);
    native.say(subprotocol === 'outcry.v1.json' ? { type: 'connect', id: 0, version: 1 } : [1, 0, 1]);
    await native.hear();
    return native;
  }

  /** Sends messages in one frame. */
  say(...messages: unknown[]): void {
    if (this.#subprotocol === 'outcry.v1.json')
      this.client.send(messages.map((message) => JSON.stringify(message)).join('\n'));
    else this.client.send(Buffer.concat(messages.map((message) => packr.pack(message))));
  }

  /** The next message. */
  async hear(): Promise<unknown> {
    while (this.#heard.length === 0) {
      const { text, data } = await this.client.next();
      if (text !== (this.#subprotocol === 'outcry.v1.json')) throw new Error('a frame of the wrong kind');
      if (text) this.#heard.push(JSON.parse(data.toString()));
      else this.#heard.push(...(unpackr.unpackMultiple(data) as unknown[]));
    }
    return this.#heard.shift();
  }
}
