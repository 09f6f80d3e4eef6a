/**
 * A connection that comes back: makes one, and after each loss another, until it is closed or sent away.
 *
 * After a loss it waits for as long as the node said, else for a random time (`backoff.ts`). When the network comes back or
 * the page comes to the front it tries at once, unless the node said how long to wait. `offline` changes nothing: it is
 * often wrong, and a connection that lives proves more.
 */
import { Backoff } from './backoff.ts';
import type { Timer } from './clock.ts';
import { Connection, type Loss } from './connection.ts';
import type { NodeClock } from './node-clock.ts';
import { OutcryError } from './outcry-error.ts';
import type { Surroundings } from './surroundings.ts';
import type { WebSocketConstructor } from './web-socket.ts';
import type { Connected, Frame, Message, Request, Wire } from './wire.ts';

/** What a peer gets to answer our close frame. */
const closeTimeoutMs = 1_000;

export type LinkState = 'connecting' | 'connected' | 'waiting' | 'closed';

export interface LinkOptions {
  url: string;
  WebSocket: WebSocketConstructor;
  /** A new one for each connection. */
  newWire: () => Wire;
  name: string | null;
  /** Asked before each attempt. */
  token: (() => string | Promise<string>) | null;
  connectTimeoutMs: number;
  nodeClock: NodeClock;
  nextId: () => number;
}

export interface LinkHandlers {
  /** Commands may be sent; the node has not answered yet. */
  opened(): void;
  connected(welcome: Connected): void;
  message(message: Message): void;
  /** @param retryInMs when the next attempt is made; null if there is none */
  lost(loss: Loss, retryInMs: number | null): void;
}

export class Link {
  readonly #options: LinkOptions;
  readonly #handlers: LinkHandlers;
  readonly #surroundings: Surroundings;
  readonly #backoff: Backoff;
  readonly #ignoreWake: () => void;
  #state: LinkState = 'connecting';
  #wire: Wire;
  #connection: Connection | null = null;
  /** Of a wait, or for the program's token. */
  #timer: Timer | null = null;
  /** The node said how long to wait. */
  #obliged = false;
  #connectedAt: number | null = null;
  /** Tells a token that comes too late from one that is waited for. */
  #attempt = 0;

  /** Begins when the running code is through, so that whoever made it can listen first. */
  constructor(options: LinkOptions, handlers: LinkHandlers, surroundings: Surroundings) {
    this.#options = options;
    this.#handlers = handlers;
    this.#surroundings = surroundings;
    this.#backoff = new Backoff(() => surroundings.random());
    this.#wire = options.newWire();
    this.#ignoreWake = surroundings.onWake(() => this.#wake());
    queueMicrotask(() => {
      if (this.#state !== 'closed') this.#connect();
    });
  }

  get state(): LinkState {
    return this.#state;
  }

  /** The form of messages on the connection that is, or is being made. */
  get wire(): Wire {
    return this.#wire;
  }

  /** Only between `opened` and the next loss. */
  send(request: Request): void {
    this.sendFrame(this.#wire.encode(request));
  }

  /** Only between `opened` and the next loss. */
  sendFrame(frame: Frame): void {
    this.#connection?.send(frame);
  }

  /** Resolves when the peer has said goodbye, or after a second. Handlers are not called any more. */
  async close(): Promise<void> {
    const connection = this.#connection;
    this.#stop();
    if (connection === null) return;
    await new Promise<void>((resolve) => {
      const timer = this.#surroundings.clock.after(closeTimeoutMs, resolve);
      void connection.close().then(() => {
        timer.cancel();
        resolve();
      });
    });
  }

  #wake(): void {
    if (this.#state === 'connected') this.#connection?.probe();
    else if (this.#state === 'waiting' && !this.#obliged) this.#connect();
  }

  #connect(): void {
    this.#timer?.cancel();
    this.#state = 'connecting';
    this.#attempt += 1;
    const { token, connectTimeoutMs } = this.#options;
    if (token === null) {
      this.#open(null);
      return;
    }
    const attempt = this.#attempt;
    const fail = (error: OutcryError) => {
      if (attempt === this.#attempt && this.#connection === null) this.#lost(lossBy(error));
    };
    this.#timer = this.#surroundings.clock.after(connectTimeoutMs, () =>
      fail(OutcryError.of('token_failed', `the token did not come within ${connectTimeoutMs} ms`)),
    );
    Promise.resolve()
      .then(token)
      .then(
        (text) => {
          if (attempt === this.#attempt) this.#open(text);
        },
        (cause) => fail(OutcryError.of('token_failed', 'the token function failed', { cause })),
      );
  }

  #open(token: string | null): void {
    this.#timer?.cancel();
    this.#wire = this.#options.newWire();
    const { clock } = this.#surroundings;
    const handlers = {
      opened: () => this.#handlers.opened(),
      connected: (welcome: Connected) => {
        this.#state = 'connected';
        this.#connectedAt = clock.now();
        this.#handlers.connected(welcome);
      },
      message: (message: Message) => this.#handlers.message(message),
      lost: (loss: Loss) => this.#lost(loss),
    };
    try {
      this.#connection = new Connection({ ...this.#options, wire: this.#wire, token, clock }, handlers);
    } catch (cause) {
      // Forbidden here, as `ws:` in a page that came over `https:`; it would be the next time too.
      const error = OutcryError.of('bad_request', 'the WebSocket cannot be made', { cause });
      this.#lost({ ...lossBy(error), comeBack: false });
    }
  }

  #lost(loss: Loss): void {
    this.#connection = null;
    // A token that is still waited for belongs to an attempt that is over.
    this.#attempt += 1;
    if (!loss.comeBack) {
      this.#stop();
      this.#handlers.lost(loss, null);
      return;
    }
    if (this.#connectedAt !== null) this.#backoff.ended(this.#surroundings.clock.now() - this.#connectedAt);
    this.#connectedAt = null;
    // Asked in any case, so that the bound grows with each attempt.
    const backoffMs = this.#backoff.next();
    const retryInMs = loss.retryAfterMs ?? backoffMs;
    this.#obliged = loss.retryAfterMs !== null;
    this.#state = 'waiting';
    this.#wait(retryInMs);
    this.#handlers.lost(loss, retryInMs);
  }

  #wait(delayMs: number): void {
    this.#timer?.cancel();
    this.#timer = this.#surroundings.clock.after(delayMs, () => this.#connect());
  }

  #stop(): void {
    this.#state = 'closed';
    this.#attempt += 1;
    this.#connection = null;
    this.#timer?.cancel();
    this.#ignoreWake();
  }
}

function lossBy(error: OutcryError): Loss {
  return { code: 1006, reason: error.name, comeBack: true, retryAfterMs: null, error };
}
