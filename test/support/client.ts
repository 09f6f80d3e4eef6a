/**
 * A well-behaved WebSocket client for tests, on the `ws` package.
 */
import WebSocket from 'ws';

export interface Received {
  text: boolean;
  data: Buffer;
}

export class TestClient {
  readonly socket: WebSocket;
  /** Resolves with code and reason when the connection has ended. */
  readonly closed: Promise<{ code: number; reason: string }>;
  readonly #queue: Received[] = [];
  readonly #waiting: { resolve(message: Received): void; reject(error: Error): void }[] = [];

  private constructor(socket: WebSocket) {
    this.socket = socket;
    this.closed = new Promise((resolve) => {
      socket.on('close', (code, reason) => resolve({ code, reason: reason.toString() }));
    });
    void this.closed.then(({ code }) => {
      for (const { reject } of this.#waiting.splice(0))
        reject(new Error(`the connection ended with ${code}`));
    });
    socket.on('error', () => {}); // The close that follows tells what a test wants to know.
    socket.on('message', (data, binary) => {
      const message = { text: !binary, data: data as Buffer };
      const next = this.#waiting.shift();
      if (next === undefined) this.#queue.push(message);
      else next.resolve(message);
    });
  }

  /** Connects; messages that arrive with the handshake are kept. */
  static async open(
    url: string,
    options: WebSocket.ClientOptions = {},
    subprotocols: string | string[] = [],
  ): Promise<TestClient> {
    const client = new TestClient(new WebSocket(url, subprotocols, { perMessageDeflate: false, ...options }));
    await new Promise<void>((resolve, reject) => {
      client.socket.once('open', resolve);
      client.socket.once('error', reject);
    });
    return client;
  }

  send(data: string | Uint8Array): void {
    this.socket.send(data);
  }

  /** The next message, in the order of arrival. Fails if the connection ends before. */
  next(): Promise<Received> {
    const ready = this.#queue.shift();
    if (ready !== undefined) return Promise.resolve(ready);
    if (this.socket.readyState === WebSocket.CLOSED)
      return Promise.reject(new Error('the connection has ended'));
    return new Promise((resolve, reject) => this.#waiting.push({ resolve, reject }));
  }

  /** The next message as text. Fails if it is binary. */
  async text(): Promise<string> {
    const message = await this.next();
    if (!message.text) throw new Error(`expected text, got ${message.data.length} bytes of binary`);
    return message.data.toString();
  }

  async close(): Promise<void> {
    this.socket.close();
    await this.closed;
  }
}
