/**
 * A WebSocket of a browser that does what a test says: `FakeNetwork` makes them and remembers each.
 */
import type { WebSocketConstructor, WebSocketEvent, WebSocketLike } from '../../src/client/web-socket.ts';

type Listener = (event: WebSocketEvent) => void;

export class FakeWebSocket implements WebSocketLike {
  readonly url: string;
  protocol = '';
  binaryType = 'blob';
  /** What the client has sent, JSON parsed. */
  readonly sent: Record<string, unknown>[] = [];
  /** Codes with which the client has closed it. */
  readonly closes: (number | undefined)[] = [];
  readonly #offered: string[];
  readonly #listeners: [string, Listener][] = [];

  constructor(url: string, protocols: string[]) {
    this.url = url;
    this.#offered = protocols;
  }

  addEventListener(type: string, listener: Listener): void {
    this.#listeners.push([type, listener]);
  }

  send(data: string | Uint8Array): void {
    if (typeof data !== 'string') throw new Error('only JSON is spoken here');
    this.sent.push(JSON.parse(data));
  }

  close(code?: number): void {
    this.closes.push(code);
  }

  /** The handshake succeeds. */
  open(protocol = this.#offered[0] ?? ''): void {
    this.protocol = protocol;
    this.#tell('open', {});
  }

  /** Messages of the node, in one frame. */
  receive(...messages: object[]): void {
    this.#tell('message', { data: messages.map((message) => JSON.stringify(message)).join('\n') });
  }

  /** Anything in a frame. */
  receiveFrame(data: unknown): void {
    this.#tell('message', { data });
  }

  /** It ends, as the peer or the network wants. */
  end(code = 1006, reason = ''): void {
    this.#tell('error', {});
    this.#tell('close', { code, reason });
  }

  /** Opens, and the node welcomes the client. */
  welcome(limits = { maxPayloadBytes: 65_536, maxSubscriptions: 1_000 }): void {
    this.open();
    this.receive({
      type: 'connected',
      id: this.last('connect').id,
      version: 1,
      node: 'left',
      boot: 'b00t',
      connection: 'b00t-1',
      time: 1_764_000_000_000,
      pingIntervalMs: 25_000,
      limits,
    });
  }

  /** The node answers each subscribe command that has not been answered, each channel having this sequence, and these fields. */
  joinAll(sequence = 0, degraded = false, fields: object = {}): void {
    for (const { id, channels } of this.sent.filter(({ type }) => type === 'subscribe').splice(this.#joins)) {
      this.#joins += 1;
      const joined = (channels as (string | { channel: string })[]).map((each, number) => ({
        channel: typeof each === 'string' ? each : each.channel,
        number,
        sequence,
        degraded,
        ...fields,
      }));
      this.receive({ type: 'subscribed', id, channels: joined });
    }
  }
  #joins = 0;

  /** The last message of that type that the client has sent. */
  last(type: string): Record<string, unknown> {
    const message = this.sent.findLast((each) => each.type === type);
    if (message === undefined)
      throw new Error(`the client has sent no ${type}: ${JSON.stringify(this.sent)}`);
    return message;
  }

  #tell(type: string, event: Omit<WebSocketEvent, 'type'>): void {
    for (const [each, listener] of this.#listeners) if (each === type) listener({ type, ...event });
  }
}

export class FakeNetwork {
  /** Every WebSocket that was made, the oldest first. */
  readonly sockets: FakeWebSocket[] = [];
  readonly WebSocket: WebSocketConstructor;

  constructor() {
    const { sockets } = this;
    this.WebSocket = class extends FakeWebSocket {
      constructor(url: string, protocols: string[]) {
        super(url, protocols);
        sockets.push(this);
      }
    };
  }

  get socket(): FakeWebSocket {
    const socket = this.sockets.at(-1);
    if (socket === undefined) throw new Error('nobody has made a WebSocket');
    return socket;
  }
}
