/**
 * The life of one WebSocket: handshake, connect, messages, liveness, end. It never comes back; see `link.ts` for that.
 */
import { protocolVersion } from '../protocol/messages.ts';
import type { Clock, Timer } from './clock.ts';
import { shouldComeBack } from './come-back.ts';
import type { NodeClock } from './node-clock.ts';
import { OutcryError } from './outcry-error.ts';
import { Silence } from './silence.ts';
import type { WebSocketConstructor, WebSocketLike } from './web-socket.ts';
import { type Connected, type Frame, type Message, Unreadable, type Wire } from './wire.ts';

/** A wait beyond this is a mistake, and timers cannot be that long (they are 32 bits wide). */
const longestRetryAfterMs = 86_400_000;

/** How a connection ended. */
export interface Loss {
  /** Of the close frame; 1006 if there was none. */
  code: number;
  /** A word for programs, as in `docs/protocol.md`, or whatever the peer said. Empty if it said nothing. */
  reason: string;
  comeBack: boolean;
  /** How long the node wants us to stay away; null if it did not say. */
  retryAfterMs: number | null;
  /** What was wrong, if it was not just the connection. */
  error: OutcryError | null;
}

export interface ConnectionOptions {
  url: string;
  WebSocket: WebSocketConstructor;
  wire: Wire;
  name: string | null;
  token: string | null;
  clock: Clock;
  nodeClock: NodeClock;
  /** From now until the node has answered connect. */
  connectTimeoutMs: number;
  nextId: () => number;
}

export interface ConnectionHandlers {
  /** Connect has been sent. Other commands may follow; the answer need not be waited for. */
  opened(): void;
  connected(welcome: Connected): void;
  message(message: Message): void;
  /** Called once, at the end; never after `close`. */
  lost(loss: Loss): void;
}

export class Connection {
  readonly #options: ConnectionOptions;
  readonly #handlers: ConnectionHandlers;
  readonly #socket: WebSocketLike;
  readonly #deadline: Timer;
  readonly #connectId: number;
  #open = false;
  #ended = false;
  #connectSentAt = 0;
  /** Null until the node has answered connect. */
  #silence: Silence | null = null;
  /** The ping that waits for its answer. */
  #ping = { id: -1, sentAt: 0 };
  #onClosed = () => {};

  /** @throws what the WebSocket's constructor throws: the address is wrong */
  constructor(options: ConnectionOptions, handlers: ConnectionHandlers) {
    this.#options = options;
    this.#handlers = handlers;
    this.#connectId = options.nextId();
    const socket = new options.WebSocket(options.url, [options.wire.subprotocol]);
    this.#socket = socket;
    socket.binaryType = 'arraybuffer';
    this.#deadline = options.clock.after(options.connectTimeoutMs, () => this.#lose('connect timed out'));
    socket.addEventListener('open', () => this.#opened());
    socket.addEventListener('message', ({ data }) => this.#hear(data));
    // Always followed by a close, which says what there is to say. Without a listener `ws` would throw it.
    socket.addEventListener('error', () => {});
    socket.addEventListener('close', ({ code, reason }) => this.#closed(code ?? 1006, reason ?? ''));
  }

  /** Only between `opened` and the end. */
  send(frame: Frame): void {
    this.#socket.send(frame);
  }

  /** Asks for a sign of life now. */
  probe(): void {
    this.#silence?.probe();
  }

  /** Says goodbye; no handler is called any more. Resolves when the peer has answered. */
  close(): Promise<void> {
    this.#end();
    return new Promise((resolve) => {
      this.#onClosed = resolve;
      this.#socket.close(1000);
    });
  }

  #opened(): void {
    if (this.#ended) return;
    const { wire, name, token, clock } = this.#options;
    if (this.#socket.protocol !== wire.subprotocol) {
      const what = `what answers there does not speak ${wire.subprotocol}`;
      this.#lose('no subprotocol', OutcryError.of('unreadable', what));
      return;
    }
    this.#open = true;
    this.#connectSentAt = clock.now();
    this.send(wire.encode({ type: 'connect', id: this.#connectId, version: protocolVersion, name, token }));
    this.#handlers.opened();
  }

  #hear(data: unknown): void {
    if (this.#ended) return;
    this.#silence?.broken();
    try {
      for (const message of this.#options.wire.decode(data)) {
        this.#take(message);
        // A handler may have closed the connection.
        if (this.#ended) return;
      }
    } catch (error) {
      if (!(error instanceof Unreadable)) throw error;
      this.#lose('unreadable', OutcryError.of('unreadable', `a frame of the node: ${error.message}`));
    }
  }

  #take(message: Message): void {
    const { wire, nodeClock } = this.#options;
    if (message.type === 'ping') this.send(wire.encode({ type: 'pong' }));
    else if (message.type === 'pong') {
      if (message.id === this.#ping.id) nodeClock.answered(this.#ping.sentAt, message.time);
    } else if (message.type === 'connected') this.#connected(message);
    else if (message.type === 'error' && message.id === this.#connectId) this.#refused(message);
    else this.#handlers.message(message);
  }

  #connected(welcome: Connected): void {
    if (this.#silence !== null) return;
    const { clock, nodeClock, nextId, wire } = this.#options;
    this.#deadline.cancel();
    nodeClock.forget();
    nodeClock.answered(this.#connectSentAt, welcome.time);
    this.#silence = new Silence(clock, welcome.pingIntervalMs, {
      ping: () => {
        this.#ping = { id: nextId(), sentAt: clock.now() };
        this.send(wire.encode({ type: 'ping', id: this.#ping.id }));
      },
      dead: () => this.#lose('silent'),
    });
    this.#handlers.connected(welcome);
  }

  #refused({ code, message }: { code: number; message: string }): void {
    const error = OutcryError.fromNode(code, message);
    this.#lose(error.name, error, error.retryable);
  }

  /** Gives the connection up by ourselves. */
  #lose(reason: string, error: OutcryError | null = null, comeBack = true): void {
    this.#end();
    // A peer that is gone never answers the close frame; its answer is not waited for.
    this.#socket.close(this.#open ? 1000 : undefined);
    this.#handlers.lost({ code: 1006, reason, comeBack, retryAfterMs: null, error });
  }

  #closed(code: number, reason: string): void {
    this.#onClosed();
    if (this.#ended) return;
    this.#end();
    const { word, retryAfterMs } = readReason(reason);
    const comeBack = shouldComeBack(code);
    const error = comeBack
      ? null
      : OutcryError.of('sent_away', `the node closed with ${code} ${word}`.trim());
    this.#handlers.lost({ code, reason: word, comeBack, retryAfterMs, error });
  }

  #end(): void {
    this.#ended = true;
    this.#deadline.cancel();
    this.#silence?.stop();
  }
}

function readReason(reason: string): { word: string; retryAfterMs: number | null } {
  try {
    const { reason: word, retryAfterMs } = JSON.parse(reason);
    return {
      word: typeof word === 'string' ? word : reason,
      retryAfterMs: retryAfterMs >= 0 ? Math.min(Number(retryAfterMs), longestRetryAfterMs) : null,
    };
  } catch {
    return { word: reason, retryAfterMs: null }; // Closed by something that is not Outcry.
  }
}
