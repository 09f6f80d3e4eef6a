/**
 * What a program holds of Outcry: one connection that comes back, the channels that it has joined, and what it publishes.
 */
import { Channels } from './channels.ts';
import { Emitter } from './emitter.ts';
import { jsonWire } from './json-wire.ts';
import { Link, type LinkState } from './link.ts';
import { MsgpackWire } from './msgpack-wire.ts';
import { NodeClock } from './node-clock.ts';
import { OutcryError } from './outcry-error.ts';
import { outgoing } from './payload.ts';
import { PendingPublications, type Published } from './pending-publications.ts';
import type { Subscription, SubscriptionOptions } from './subscription.ts';
import { type Surroundings, surroundings } from './surroundings.ts';
import type { WebSocketConstructor } from './web-socket.ts';
import type { Connected, Frame, Message } from './wire.ts';

const maxKeyLength = 128;

export interface ClientOptions {
  /** Travels with each connection; a function is asked before each attempt. Nodes do not check it yet. */
  token?: string | (() => string | Promise<string>);
  /** `json` (the default) is readable in the developer tools; `msgpack` is smaller, and carries bytes as they are. */
  codec?: 'json' | 'msgpack';
  /** Name and version of the program, at most 64 bytes: `ticker/1.0`. */
  name?: string;
  /** Where there is none, as on Node before 22: the one of the package `ws`. */
  WebSocket?: WebSocketConstructor;
  /** From the beginning of an attempt until the node has answered; 10,000 by default. */
  connectTimeoutMs?: number;
  /** From `publish` until its acknowledgement, a wait for the connection included; 10,000 by default. */
  publishTimeoutMs?: number;
}

export interface PublishOptions {
  /**
   * 1 to 128 characters. A channel takes a key once in five minutes, so the same publication may be published again with
   * it; after a lost connection the client does so by itself.
   */
  idempotencyKey?: string;
  /** 1 to 128 characters. It becomes the latest value of this key, in a channel that keeps them. */
  key?: string;
  /** The key has no value any more; `data` is undefined then. `client.remove` does it. */
  deleted?: boolean;
}

export interface ConnectedEvent {
  /** Name of the node. */
  node: string;
  /** Random, new at each start of the node. */
  boot: string;
  /** Names this connection for the operator. */
  connection: string;
  /** It is not the first one of this client. */
  again: boolean;
}

export interface DisconnectedEvent {
  /** Of the close frame; 1006 if there was none. */
  code: number;
  /** A word of the node, as `stopping`, or of this client, as `silent`. May be empty. */
  reason: string;
  /** When the next attempt is made. */
  retryInMs: number;
}

export interface ClientEvents {
  connected: ConnectedEvent;
  /** The connection was lost, or did not come about. The client comes back by itself. */
  disconnected: DisconnectedEvent;
  /**
   * The node cannot reach the others: what is published in this channel elsewhere does not arrive here, or vice versa. For each
   * channel that is joined as soon as the node notices, for others when they are joined or published to.
   */
  degraded: { channel: string };
  /** A joined channel that was `degraded`: what is published elsewhere arrives again. What was missed has come before, or a `gap`. */
  restored: { channel: string };
  /** What no promise and no subscription tells. If nobody listens it is written to the console. */
  error: OutcryError;
  /** For good: by the program (null), or by a node that does not want this client back. */
  closed: { error: OutcryError | null };
}

/**
 * Connects to a node, and again whenever the connection is lost.
 *
 * @param url `ws:` or `wss:`, `http:` and `https:` mean the same; in a page it may be relative
 * @throws OutcryError `bad_request` for an address or codec that makes no sense, or where there is no WebSocket
 */
export function connect(url: string | URL, options: ClientOptions = {}): Client {
  return new Client(url, options);
}

export class Client {
  readonly #events = new Emitter<ClientEvents>();
  readonly #link: Link;
  readonly #channels: Channels;
  readonly #publications: PendingPublications;
  #lastId = 0;
  #connectedBefore = false;
  /** Of the connection that is; null while there is none. */
  #maxPayloadBytes: number | null = null;
  #ending: OutcryError | null = null;
  #waiting: { resolve(): void; reject(error: OutcryError): void }[] = [];

  /** @internal Programs call `connect`. */
  constructor(url: string | URL, options: ClientOptions, around: Surroundings = surroundings) {
    const { clock } = around;
    const { token, codec = 'json', name = null, connectTimeoutMs = 10_000 } = options;
    const WebSocket = options.WebSocket ?? around.WebSocket;
    if (WebSocket === undefined)
      throw OutcryError.of(
        'bad_request',
        'there is no WebSocket here: connect(url, { WebSocket }) takes that of the package ws',
      );
    if (codec !== 'json' && codec !== 'msgpack')
      throw OutcryError.of('bad_request', `codec is "json" or "msgpack", not ${JSON.stringify(codec)}`);

    const nodeClock = new NodeClock(clock);
    const nextId = () => {
      this.#lastId += 1;
      return this.#lastId;
    };
    this.#publications = new PendingPublications(clock, options.publishTimeoutMs ?? 10_000);
    this.#channels = new Channels({
      clock,
      nodeClock,
      nextId,
      random: () => around.random(),
      send: (request) => this.#link.send(request),
      onError: (error) => this.#report(error),
    });
    this.#link = new Link(
      {
        url: webSocketUrl(url, around.pageUrl),
        WebSocket,
        newWire: () => (codec === 'json' ? jsonWire : new MsgpackWire()),
        name,
        token: typeof token === 'string' ? () => token : (token ?? null),
        connectTimeoutMs,
        nodeClock,
        nextId,
      },
      {
        opened: () => this.#channels.opened(),
        connected: (welcome) => this.#connected(welcome),
        message: (message) => this.#take(message),
        lost: (loss, retryInMs) => {
          this.#disconnected();
          if (retryInMs === null) return this.#end(loss.error);
          if (loss.error !== null) this.#report(loss.error);
          const { code, reason } = loss;
          this.#events.emit('disconnected', { code, reason, retryInMs });
        },
      },
      around,
    );
  }

  /** `waiting`: until the next attempt. `closed`: for good. */
  get state(): LinkState {
    return this.#link.state;
  }

  /** Calls `listener` with each such event from now on. Returns what ends that. */
  on<Name extends keyof ClientEvents>(name: Name, listener: (event: ClientEvents[Name]) => void): () => void {
    return this.#events.on(name, listener);
  }

  /** Resolves when the client is connected; rejects when it is closed. */
  ready(): Promise<void> {
    if (this.state === 'connected') return Promise.resolve();
    if (this.#ending !== null) return Promise.reject(this.#ending);
    return new Promise((resolve, reject) => this.#waiting.push({ resolve, reject }));
  }

  /**
   * Joins a channel, now or as soon as there is a connection, and again after each reconnect. In a channel with a history it
   * then gets what it has missed.
   *
   * @throws OutcryError `closed` after the end, `bad_request` for options that make no sense
   */
  subscribe<T = unknown>(channel: string, options: SubscriptionOptions = {}): Subscription<T> {
    if (this.#ending !== null) throw this.#ending;
    return this.#channels.add<T>(channel, options);
  }

  /**
   * Publishes to everybody who has joined the channel, on every node. A string travels as text, an `ArrayBuffer` or a view
   * of one as binary, anything else as JSON.
   *
   * Without a connection it waits for one, for at most `publishTimeoutMs`. It is never sent twice without an idempotency
   * key: when the connection ends before the acknowledgement, the promise rejects with `outcome_unknown`.
   *
   * @returns when the node has acknowledged it
   * @throws OutcryError (the promise rejects) as in the tables of docs/protocol.md and docs/client.md
   */
  async publish(channel: string, data: unknown, options: PublishOptions = {}): Promise<Published> {
    if (this.#ending !== null) throw this.#ending;
    this.#lastId += 1;
    const id = this.#lastId;
    const connected = this.#maxPayloadBytes !== null;
    const idempotencyKey = keyOf(options, 'idempotencyKey');
    const key = keyOf(options, 'key');
    const { deleted = false } = options;
    if (deleted && (key === null || data !== undefined))
      throw OutcryError.of('bad_request', 'a deletion has a key, no data');
    const payload = deleted ? null : outgoing(data);
    // What waits, or may be sent again, must not change under the program's hands.
    if (payload?.kind === 'binary' && (!connected || idempotencyKey !== null))
      payload.bytes = payload.bytes.slice();
    const published = this.#publications.add({ id, channel, payload, idempotencyKey, key });
    if (connected) this.#sendPublications();
    return published;
  }

  /** Deletes a key of a channel that keeps latest values, for everybody; as `publish`. */
  remove(
    channel: string,
    key: string,
    options: Pick<PublishOptions, 'idempotencyKey'> = {},
  ): Promise<Published> {
    return this.publish(channel, undefined, { ...options, key, deleted: true });
  }

  /**
   * Ends everything: loops end, what was not acknowledged rejects, no further event but `closed`. Resolves when the node
   * has answered the goodbye, or after a second. May be called again.
   */
  async close(): Promise<void> {
    const closed = this.#link.close();
    this.#end(null);
    await closed;
  }

  #connected({ node, boot, connection, maxPayloadBytes }: Connected): void {
    this.#maxPayloadBytes = maxPayloadBytes;
    const again = this.#connectedBefore;
    this.#connectedBefore = true;
    this.#sendPublications();
    for (const { resolve } of this.#waiting.splice(0)) resolve();
    this.#events.emit('connected', { node, boot, connection, again });
  }

  #disconnected(): void {
    this.#maxPayloadBytes = null;
    this.#publications.lost();
    this.#channels.lost();
  }

  #sendPublications(): void {
    const limit = this.#maxPayloadBytes ?? 0;
    this.#publications.flush((publication) => {
      const frame = this.#link.wire.encode({ type: 'publish', ...publication });
      // The node would close the connection, for good.
      if (largerThan(limit, frame)) return OutcryError.of('payload_too_big', `at most ${limit} bytes`);
      this.#link.sendFrame(frame);
      return null;
    });
  }

  #take(message: Message): void {
    switch (message.type) {
      case 'batch':
        this.#channels.get(message.channel)?.batch(message);
        break;
      case 'published': {
        const channel = this.#publications.acknowledged(message);
        if (channel !== null && message.degraded) this.#events.emit('degraded', { channel });
        break;
      }
      case 'gap':
        if (this.#channels.get(message.channel)?.gap(message.reason, message.position))
          this.#events.emit('restored', { channel: message.channel });
        break;
      case 'snapshot':
        this.#channels.get(message.channel)?.snapshot(message);
        break;
      case 'subscribed':
        for (const channel of this.#channels.subscribed(message)) this.#events.emit('degraded', { channel });
        break;
      case 'degraded':
        for (const channel of this.#channels.degraded(message.channel))
          this.#events.emit('degraded', { channel });
        break;
      case 'unsubscribed':
        this.#channels.unsubscribed(message.id);
        break;
      case 'error': {
        const { id, code, message: text } = message;
        const error = OutcryError.fromNode(code, text);
        const heard =
          id !== null && (this.#publications.refused(id, error) || this.#channels.refused(id, error));
        if (!heard) this.#report(error);
      }
    }
  }

  #end(error: OutcryError | null): void {
    if (this.#ending !== null) return;
    this.#ending = error ?? OutcryError.of('closed', 'the client was closed');
    this.#disconnected();
    this.#publications.end(this.#ending);
    this.#channels.end(error);
    for (const { reject } of this.#waiting.splice(0)) reject(this.#ending);
    if (error !== null) this.#report(error);
    this.#events.emit('closed', { error });
  }

  #report(error: OutcryError): void {
    if (this.#events.has('error')) this.#events.emit('error', error);
    else console.error(`outcry: ${error.name} (${error.code}): ${error.message}`);
  }
}

function keyOf(options: PublishOptions, name: 'key' | 'idempotencyKey'): string | null {
  const key = options[name] ?? null;
  if (key === null) return null;
  const { length } = key;
  if (typeof key !== 'string' || length < 1 || length > maxKeyLength || !key.isWellFormed())
    throw OutcryError.of('bad_request', `${name} has 1 to ${maxKeyLength} characters`);
  return key;
}

function webSocketUrl(url: string | URL, pageUrl: string | undefined): string {
  let parsed: URL;
  try {
    parsed = new URL(url, pageUrl);
  } catch (cause) {
    throw OutcryError.of('bad_request', `${url} is not an address`, { cause });
  }
  parsed.protocol = parsed.protocol.replace(/^http/, 'ws');
  parsed.hash = '';
  if (!/^wss?:$/.test(parsed.protocol))
    throw OutcryError.of('bad_request', `${url} is not the address of a WebSocket`);
  return parsed.href;
}

function largerThan(bytes: number, frame: Frame): boolean {
  if (typeof frame !== 'string') return frame.length > bytes;
  // A character is one to three bytes: most texts need not be encoded to know.
  return frame.length > bytes || (frame.length * 3 > bytes && new TextEncoder().encode(frame).length > bytes);
}
