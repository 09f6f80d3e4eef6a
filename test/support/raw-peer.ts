/**
 * A peer that sends exactly the bytes that a test wants, valid or not, and shows exactly what comes back.
 */
import { connect, type Socket } from 'node:net';

export const validKey = 'dGhlIHNhbXBsZSBub25jZQ==';

/** The header lines of a good handshake; a test replaces or adds what it wants to see refused. */
export interface Handshake {
  method?: string;
  target?: string | Buffer;
  version?: string;
  /** Header lines by name; `null` leaves a line out, a list repeats it. */
  headers?: Record<string, string | string[] | null>;
  body?: string;
}

export function handshakeBytes(handshake: Handshake = {}): Buffer {
  const { method = 'GET', target = '/', version = 'HTTP/1.1', body = '' } = handshake;
  const headers: NonNullable<Handshake['headers']> = {
    Host: 'localhost',
    Connection: 'Upgrade',
    Upgrade: 'websocket',
    'Sec-WebSocket-Version': '13',
    'Sec-WebSocket-Key': validKey,
    ...handshake.headers,
  };
  const lines = Object.entries(headers).flatMap(([name, value]) =>
    value === null ? [] : [value].flat().map((item) => `${name}: ${item}`),
  );
  return Buffer.concat([
    Buffer.from(`${method} `),
    Buffer.from(target),
    Buffer.from(` ${version}\r\n${lines.map((line) => `${line}\r\n`).join('')}\r\n${body}`),
  ]);
}

/** One client frame, masked with zeros (RFC 6455, section 5.2). */
export function frame(
  opcode: number,
  payload: Buffer | string = '',
  { fin = true, rsv = 0, mask = true } = {},
) {
  const body = Buffer.from(payload);
  const first = (fin ? 0x80 : 0) | (rsv << 4) | opcode;
  const maskBit = mask ? 0x80 : 0;
  const length = lengthBytes(body.length, maskBit);
  return Buffer.concat([Buffer.from([first]), length, mask ? Buffer.alloc(4) : Buffer.alloc(0), body]);
}

function lengthBytes(length: number, maskBit: number): Buffer {
  if (length < 126) return Buffer.from([maskBit | length]);
  if (length < 65_536) return Buffer.from([maskBit | 126, length >> 8, length & 255]);
  const bytes = Buffer.alloc(9);
  bytes[0] = maskBit | 127;
  bytes.writeBigUInt64BE(BigInt(length), 1);
  return bytes;
}

export class RawPeer {
  readonly socket: Socket;
  /** Everything that arrived and was not taken yet. */
  received = Buffer.alloc(0);
  /** Resolves when the connection has ended, however it ended. */
  readonly closed: Promise<void>;
  #wake: () => void = () => {};
  #ended = false;

  constructor(port: number) {
    this.socket = connect(port, '127.0.0.1');
    this.socket.on('error', () => {}); // Resets are an expected end; `closed` tells.
    this.socket.on('data', (bytes) => {
      this.received = Buffer.concat([this.received, bytes]);
      this.#wake();
    });
    this.closed = new Promise((resolve) => {
      this.socket.on('close', () => {
        this.#ended = true;
        this.#wake();
        resolve();
      });
    });
  }

  send(bytes: Buffer | string): void {
    this.socket.write(bytes);
  }

  /** Takes the next answer's head, up to the empty line. Fails if the connection ends before. */
  async head(): Promise<string> {
    const end = await this.#until(() => {
      const at = this.received.indexOf('\r\n\r\n');
      return at === -1 ? null : at + 4;
    });
    return this.#take(end).toString();
  }

  /** The byte that the next frame begins with, which stays where it is. */
  async firstByte(): Promise<number> {
    return await this.#until(() => this.received[0] ?? null);
  }

  /** Takes the next server frame. Fails if the connection ends before. */
  async frame(): Promise<{ opcode: number; payload: Buffer }> {
    const whole = await this.#until(() => measure(this.received));
    const opcode = (this.received[0] ?? 0) & 0x0f;
    const payload = Buffer.from(this.received.subarray(whole.header, whole.end));
    this.#take(whole.end);
    return { opcode, payload };
  }

  destroy(): void {
    this.socket.destroy();
  }

  async #until<T>(found: () => T | null): Promise<T> {
    for (;;) {
      const result = found();
      if (result !== null) return result;
      if (this.#ended)
        throw new Error(`the connection ended after ${JSON.stringify(this.received.toString())}`);
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  #take(bytes: number): Buffer {
    const taken = this.received.subarray(0, bytes);
    this.received = this.received.subarray(bytes);
    return taken;
  }
}

function measure(bytes: Buffer): { header: number; end: number } | null {
  if (bytes.length < 2) return null;
  const short = (bytes[1] ?? 0) & 0x7f;
  const header = short < 126 ? 2 : short === 126 ? 4 : 10;
  if (bytes.length < header) return null;
  const length =
    short < 126 ? short : short === 126 ? bytes.readUInt16BE(2) : Number(bytes.readBigUInt64BE(2));
  return bytes.length < header + length ? null : { header, end: header + length };
}

/** Opens a connection that has passed the handshake. */
export async function openRaw(port: number, handshake: Handshake = {}): Promise<RawPeer> {
  const peer = new RawPeer(port);
  peer.send(handshakeBytes(handshake));
  const head = await peer.head();
  if (!head.startsWith('HTTP/1.1 101 ')) throw new Error(`not upgraded: ${head}`);
  return peer;
}

/** Sends one request and returns the status of the answer, and whether the connection was closed after it. */
export async function statusOf(
  port: number,
  bytes: Buffer | string,
): Promise<{ status: number; head: string }> {
  const peer = new RawPeer(port);
  peer.send(bytes);
  try {
    const head = await peer.head();
    return { status: Number(head.split(' ')[1]), head };
  } finally {
    peer.destroy();
  }
}
