/**
 * A node that says exactly what a test wants it to say, over real WebSockets, in JSON: for everything that a real node
 * cannot be made to do.
 */
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { type WebSocket, WebSocketServer } from 'ws';

type Message = Record<string, unknown>;

export class ScriptedNode {
  readonly url: string;
  readonly #server: WebSocketServer;
  readonly #arrived: Visitor[] = [];
  readonly #waiting: ((visitor: Visitor) => void)[] = [];

  private constructor(server: WebSocketServer) {
    this.#server = server;
    this.url = `ws://127.0.0.1:${(server.address() as AddressInfo).port}`;
    server.on('connection', (socket) => {
      const visitor = new Visitor(socket);
      const next = this.#waiting.shift();
      if (next === undefined) this.#arrived.push(visitor);
      else next(visitor);
    });
  }

  static async start(): Promise<ScriptedNode> {
    const server = new WebSocketServer({
      port: 0,
      host: '127.0.0.1',
      handleProtocols: ([first]) => first ?? false,
    });
    await once(server, 'listening');
    return new ScriptedNode(server);
  }

  /** The next client that connects, in order. */
  visitor(): Promise<Visitor> {
    const arrived = this.#arrived.shift();
    return arrived === undefined
      ? new Promise((resolve) => this.#waiting.push(resolve))
      : Promise.resolve(arrived);
  }

  /** The next client that connects, welcomed, and with all that it asks for first. */
  async welcomed(sequence = 0): Promise<Visitor> {
    const visitor = await this.visitor();
    await visitor.welcome();
    await visitor.join(sequence);
    return visitor;
  }

  async stop(): Promise<void> {
    for (const socket of this.#server.clients) socket.terminate();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}

export class Visitor {
  readonly #socket: WebSocket;
  readonly #said: Message[] = [];
  readonly #waiting: { type: string; resolve(message: Message): void }[] = [];
  /** Resolves with the code when the connection has ended. */
  readonly closed: Promise<number>;

  constructor(socket: WebSocket) {
    this.#socket = socket;
    this.closed = new Promise((resolve) => socket.on('close', resolve));
    socket.on('message', (data) => {
      const message: Message = JSON.parse(String(data));
      const index = this.#waiting.findIndex(({ type }) => type === message.type);
      if (index < 0) this.#said.push(message);
      else this.#waiting.splice(index, 1)[0]?.resolve(message);
    });
  }

  /** The next message of that type. */
  heard(type: string): Promise<Message> {
    const index = this.#said.findIndex((message) => message.type === type);
    if (index >= 0) return Promise.resolve(this.#said.splice(index, 1)[0] as Message);
    return new Promise((resolve) => this.#waiting.push({ type, resolve }));
  }

  /** Says messages, in one frame. */
  say(...messages: object[]): void {
    this.sayFrame(messages.map((message) => JSON.stringify(message)).join('\n'));
  }

  sayFrame(frame: string | Buffer): void {
    this.#socket.send(frame);
  }

  async welcome(pingIntervalMs = 25_000): Promise<void> {
    const { id } = await this.heard('connect');
    const limits = { maxPayloadBytes: 65_536, maxSubscriptions: 1_000 };
    const names = { node: 'scripted', boot: 'b00t', connection: 'b00t-1' };
    this.say({ type: 'connected', id, version: 1, ...names, time: Date.now(), pingIntervalMs, limits });
  }

  /** Grants the next subscribe command. */
  async join(sequence = 0): Promise<void> {
    const { id, channels } = await this.heard('subscribe');
    this.say({
      type: 'subscribed',
      id,
      channels: (channels as string[]).map((channel, number) => ({ channel, number, sequence })),
    });
  }

  batch(channel: string, sequence: number, ...texts: string[]): void {
    this.say(batchOf(channel, sequence, ...texts));
  }

  close(code: number, reason = ''): void {
    this.#socket.close(code, reason);
  }

  /** Takes nothing from the network any more and says nothing: as if the cable were cut. */
  freeze(): void {
    this.#socket.pause();
  }

  /** Ends it without a close frame. */
  terminate(): void {
    this.#socket.terminate();
  }
}

export function batchOf(channel: string, sequence: number, ...texts: string[]): object {
  const head = { type: 'batch', channel, sequence };
  return texts.length === 0
    ? head
    : { ...head, time: Date.now(), publications: texts.map((text) => ({ text })) };
}
