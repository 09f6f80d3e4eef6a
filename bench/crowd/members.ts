/**
 * The connections of one process of a crowd. A member has no object and no timer: it is a descriptor, and a few bytes in
 * arrays by that number. All speak through one listener of the dialect, which is told who is meant.
 *
 * A handshake that fails is made again a second later, from another port. Whoever has joined and is cut off stays away.
 */
import { FrameReader, type FrameSink } from '../generator/frame-reader.ts';
import type { Dialect } from '../generator/dialect.ts';
import { dialects } from '../generator/dialects/catalogue.ts';
import type { Target } from '../generator/messages.ts';
import { monotonicMs } from '../generator/monotonic.ts';
import { clientFrame } from '../generator/websocket.ts';
import { ipv4, socketAddress } from './address.ts';
import { mostDescriptors } from './capacity.ts';
import {
  addressOf,
  beginConnection,
  closeDescriptor,
  errorName,
  errorOf,
  KernelError,
  type Poll,
  wait,
} from './kernel.ts';
import type { Order, Progress } from './orders.ts';
import { Receipts } from './receipts.ts';
import { type Speech, speechOf } from './speech.ts';
import type { Wire } from './wire.ts';

/** Whose handshake failed tries again after this. */
const retryMs = 1_000;
/** So many failures for each connection that is wanted are no accident. */
const failuresPerConnection = 2;

const readBufferBytes = 65_536;

/** States of a member; 0 is nobody. */
const beginning = 1;
const upgrading = 2;
const joining = 3;
const member = 4;

const headEnd = Buffer.from('\r\n\r\n');

type Connect = Extract<Order, { type: 'connect' }>;

export class Members {
  readonly #poll: Poll;
  readonly #wire: Wire;
  readonly #onFailed: (reason: string) => void;
  readonly #states = new Uint8Array(mostDescriptors);
  /** Frames and heads that came in part, by descriptor: few at any time. */
  readonly #cutFrames = new Map<number, FrameReader>();
  readonly #cutHeads = new Map<number, Buffer>();
  #whole = new FrameReader();
  readonly #buffer = Buffer.alloc(readBufferBytes);
  readonly #bufferAt = addressOf(this.#buffer);
  readonly #out = Buffer.alloc(4_096);
  readonly #outAt = addressOf(this.#out);

  #order: Connect | null = null;
  #remote = socketAddress(0, 0);
  #remoteAt = addressOf(this.#remote);
  #request: Buffer = Buffer.alloc(0);
  #dialect: Dialect = dialects.raw(0);
  #speech: Speech = { greeting: Buffer.alloc(0), joinsAtOnce: true, listener: () => {} };
  /** Whom the listener of the dialect speaks with. */
  #current = 0;
  #sink: FrameSink = { message() {}, control() {} };
  #receipts: Receipts | null = null;

  #started = 0;
  #underWay = 0;
  #retries = 0;
  #failed = 0;
  #retryAt: number[] = [];
  joined = 0;
  closed = 0;
  pings = 0;
  readonly failures: Record<string, number> = {};

  /** @param onFailed called when connecting is given up */
  constructor(poll: Poll, wire: Wire, onFailed: (reason: string) => void) {
    this.#poll = poll;
    this.#wire = wire;
    this.#onFailed = onFailed;
  }

  /** Opens so many. */
  connect(order: Connect): void {
    const { host, port, path } = order.target;
    this.#order = order;
    this.#remote = socketAddress(ipv4(host), port);
    this.#remoteAt = addressOf(this.#remote);
    this.#speak(order.target, order.recordBytes);
    this.#request = Buffer.from(requestFor(order.target, path, this.#dialect));
    this.#fill();
  }

  get connected(): boolean {
    return this.#order !== null && this.joined + this.closed >= this.#order.connections;
  }

  /** Records of this run and size count from now on. */
  expect(run: number, recordBytes: number): void {
    const order = this.#order as Connect;
    this.#speak(order.target, recordBytes);
    this.#receipts = new Receipts(run, this.#dialect.form, recordBytes, mostDescriptors);
  }

  get receipts(): Receipts | null {
    return this.#receipts;
  }

  /** Another number whenever something has changed in `progress`. */
  get changes(): number {
    return this.joined + 2 * this.closed + this.#failed + (this.#receipts?.counts.received ?? 0);
  }

  get progress(): Progress {
    const { joined, closed, failures } = this;
    return { type: 'progress', joined, closed, failures, received: this.#receipts?.counts.received ?? 0 };
  }

  /** Milliseconds until somebody tries again; −1 if nobody waits for that. */
  get nextRetryMs(): number {
    const [next] = this.#retryAt;
    return next === undefined ? -1 : Math.max(0, Math.ceil(next - monotonicMs()));
  }

  retryDue(): void {
    const now = monotonicMs();
    while (this.#retryAt.length > 0 && (this.#retryAt[0] as number) <= now) {
      this.#retryAt.shift();
      this.#retries += 1;
    }
    this.#fill();
  }

  /** Something has happened on one of them. */
  happened(fd: number, isReadable: boolean): void {
    if (this.#states[fd] === beginning) {
      // The first event says that it is connected, or why not; the next ones belong to what comes before the first byte.
      if (!isReadable) this.#poll.nowReadable(fd);
      this.#begin(fd);
      return;
    }
    do {
      const bytes = this.#wire.receive(fd, this.#bufferAt, readBufferBytes);
      if (bytes === wait) return;
      if (bytes <= 0) {
        this.#ended(fd, bytes === 0 ? 'closed' : errorName(errorOf(bytes)));
        return;
      }
      this.#arrived(fd, this.#buffer.subarray(0, bytes));
    } while (this.#wire.buffers && this.#states[fd] !== 0);
  }

  #fill(): void {
    const order = this.#order;
    if (order === null) return;
    while (this.#underWay < order.parallel && (this.#retries > 0 || this.#started < order.connections)) {
      if (this.#retries > 0) this.#retries -= 1;
      const address = order.sourceAddress + (this.#started % order.sourceAddresses);
      this.#started += 1;
      this.#underWay += 1;
      try {
        this.#open(address);
      } catch (error) {
        if (!(error instanceof KernelError)) throw error;
        this.#underWay -= 1;
        this.#tryAgain(error.message);
      }
    }
  }

  #open(address: number): void {
    const fd = beginConnection(address, this.#remoteAt);
    if (fd >= mostDescriptors) throw new RangeError(`a descriptor above ${mostDescriptors}`);
    this.#states[fd] = beginning;
    // On one machine it is connected by now.
    const began = this.#wire.begin(fd);
    if (began === wait) this.#poll.watchWritable(fd);
    else if (began !== 1) this.#ended(fd, errorName(errorOf(began)));
    else if (this.#askToUpgrade(fd)) this.#poll.watchReadable(fd);
    else if (this.#states[fd] === beginning) this.#poll.watchWritable(fd);
  }

  #begin(fd: number): void {
    const began = this.#wire.begin(fd);
    if (began === wait) return;
    if (began !== 1) this.#ended(fd, errorName(errorOf(began)));
    else this.#askToUpgrade(fd);
  }

  /** Returns whether the request is on its way; if not, it waits for the connection or has ended. */
  #askToUpgrade(fd: number): boolean {
    const sent = this.#send(fd, this.#request);
    if (sent) this.#states[fd] = upgrading;
    return sent;
  }

  #send(fd: number, bytes: Buffer): boolean {
    bytes.copy(this.#out);
    const sent = this.#wire.send(fd, this.#outAt, bytes.length);
    if (sent === bytes.length) return true;
    if (sent === wait && this.#states[fd] === beginning) return false;
    // What we say is short, and nothing waits in front of it.
    this.#ended(fd, sent < wait ? errorName(errorOf(sent)) : 'the kernel did not take what we said');
    return false;
  }

  #arrived(fd: number, piece: Buffer): void {
    if (this.#states[fd] !== upgrading) {
      this.#frames(fd, piece);
      return;
    }
    const before = this.#cutHeads.get(fd);
    const head = before === undefined ? piece : Buffer.concat([before, piece]);
    const end = head.indexOf(headEnd);
    if (end === -1) {
      this.#cutHeads.set(fd, Buffer.from(head));
      return;
    }
    this.#cutHeads.delete(fd);
    const status = head.toString('latin1', 0, 12);
    if (status !== 'HTTP/1.1 101') {
      this.#ended(fd, `answered with ${status}`);
      return;
    }
    this.#states[fd] = joining;
    const { greeting, joinsAtOnce } = this.#speech;
    if (greeting.length > 0 && !this.#send(fd, greeting)) return;
    this.#current = fd;
    if (joinsAtOnce) this.#hasJoined();
    const rest = head.subarray(end + headEnd.length);
    if (rest.length > 0) this.#frames(fd, rest);
  }

  #frames(fd: number, piece: Buffer): void {
    this.#current = fd;
    const cut = this.#cutFrames.get(fd);
    const reader = cut ?? this.#whole;
    reader.push(piece, this.#sink);
    if (reader.isWhole) {
      if (cut !== undefined) this.#cutFrames.delete(fd);
      return;
    }
    if (cut !== undefined) return;
    // The shared reader holds the beginning of a frame: it is this member's until the rest has come.
    this.#whole = new FrameReader();
    if (this.#states[fd] !== 0) this.#cutFrames.set(fd, reader);
  }

  #hasJoined(): void {
    if (this.#states[this.#current] !== joining) return;
    this.#states[this.#current] = member;
    this.joined += 1;
    this.#underWay -= 1;
    this.#fill();
  }

  #ended(fd: number, reason: string): void {
    const state = this.#states[fd];
    this.#states[fd] = 0;
    this.#cutFrames.delete(fd);
    this.#cutHeads.delete(fd);
    this.#wire.forget(fd);
    closeDescriptor(fd);
    if (state === member) {
      this.joined -= 1;
      this.closed += 1;
      return;
    }
    this.#underWay -= 1;
    this.#tryAgain(reason);
  }

  #tryAgain(reason: string): void {
    this.failures[reason] = (this.failures[reason] ?? 0) + 1;
    this.#retryAt.push(monotonicMs() + retryMs);
    this.#failed += 1;
    const { connections = 0 } = this.#order ?? {};
    if (this.#failed > 100 + failuresPerConnection * connections) this.#onFailed(reason);
  }

  /** From now on messages are read as the dialect of the target has records of this size. */
  #speak(target: Target, recordBytes: number): void {
    this.#dialect = dialects[target.dialect](recordBytes);
    this.#speech = speechOf(this.#dialect, {
      joined: () => this.#hasJoined(),
      send: (frames) => {
        this.pings += 1;
        this.#send(this.#current, frames);
      },
      records: (bytes, offset, count, stride) => {
        const now = monotonicMs();
        for (let i = 0; i < count; i += 1)
          this.#receipts?.record(this.#current, bytes, offset + i * stride, now);
      },
      mangled: () => this.#receipts?.mangled(),
    });
    const { listener } = this.#speech;
    this.#sink = {
      message: listener,
      control: (opcode, payload) => {
        if (opcode !== 9) return;
        this.pings += 1;
        this.#send(this.#current, clientFrame(10, payload));
      },
    };
  }
}

function requestFor({ host, port }: Target, path: string, dialect: Dialect): string {
  const subprotocol =
    dialect.subprotocol === undefined ? '' : `Sec-WebSocket-Protocol: ${dialect.subprotocol}\r\n`;
  return `GET ${dialect.path?.(path, [0]) ?? path} HTTP/1.1\r\nHost: ${host}:${port}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n${subprotocol}\r\n`;
}
