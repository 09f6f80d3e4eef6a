/**
 * A WebSocket client that costs next to nothing: raw TCP on Bun, a fixed handshake, masked frames with the mask 0.
 */
import { FrameReader, type FrameSink } from './frame-reader.ts';
import { Inflater } from './inflater.ts';

export interface WebSocketOptions {
  host: string;
  port: number;
  path: string;
  subprotocol?: string | undefined;
  /** Offers permessage-deflate and insists on it, without context takeover. */
  deflate?: boolean | undefined;
  /** TLS, whatever the certificate. */
  tls?: boolean | undefined;
  /** Source address; spreads many connections over the ports of many loopback addresses. */
  localAddress?: string | undefined;
  /** Called when the server has answered 101, before any message is looked at; returns who gets them. */
  opened(socket: BenchWebSocket): FrameSink;
  /** Called with the bytes of each piece that arrives after the answer 101, as they came. */
  arrived?: ((bytes: number) => void) | undefined;
  /** Called when it is closed, whoever closed it. */
  closed?: (() => void) | undefined;
}

const headEnd = Buffer.from('\r\n\r\n');

/** One for the whole process: subscribers get the same. */
const inflater = new Inflater();

export class BenchWebSocket {
  readonly #socket: Bun.Socket<undefined>;
  /** What the kernel has not taken yet. A record is never left out: that would be the generator's loss. */
  readonly #unsent: Buffer[] = [];

  private constructor(socket: Bun.Socket<undefined>) {
    this.#socket = socket;
  }

  /** Resolves when the server has answered 101. */
  static open(options: WebSocketOptions): Promise<BenchWebSocket> {
    const { host, port, path, subprotocol, tls = false, localAddress, closed, arrived } = options;
    const { deflate = false } = options;
    const offer = [
      subprotocol === undefined ? '' : `Sec-WebSocket-Protocol: ${subprotocol}\r\n`,
      deflate ? 'Sec-WebSocket-Extensions: permessage-deflate\r\n' : '',
    ].join('');
    return new Promise((resolve, reject) => {
      const frames = new FrameReader();
      let head: Buffer = Buffer.alloc(0);
      let opened: BenchWebSocket | null = null;
      let sink: FrameSink | null = null;
      const data = (socket: Bun.Socket<undefined>, piece: Buffer) => {
        if (sink !== null) {
          arrived?.(piece.length);
          frames.push(piece, sink);
          return;
        }
        head = Buffer.concat([head, piece]);
        const end = head.indexOf(headEnd);
        if (end === -1) return;
        const status = head.toString('latin1', 0, 12);
        if (status !== 'HTTP/1.1 101') {
          reject(new Error(`the handshake was answered with ${status}`));
          socket.end();
          return;
        }
        if (deflate && !agreement.test(head.toString('latin1', 0, end))) {
          reject(new Error('the server did not agree on permessage-deflate without context takeover'));
          socket.end();
          return;
        }
        const connection = new BenchWebSocket(socket);
        opened = connection;
        sink = answering(connection, options.opened(connection), deflate);
        resolve(connection);
        const rest = head.subarray(end + headEnd.length);
        if (rest.length > 0) {
          arrived?.(rest.length);
          frames.push(rest, sink);
        }
      };
      const failed = (error: Error) => {
        reject(error);
        closed?.();
      };
      Bun.connect({
        hostname: host,
        port,
        ...(localAddress === undefined ? {} : { localAddress }),
        ...(tls ? { tls: { rejectUnauthorized: false } } : {}),
        socket: {
          open(socket) {
            socket.write(
              `GET ${path} HTTP/1.1\r\nHost: ${host}:${port}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n${offer}\r\n`,
            );
          },
          data,
          drain: () => opened?.writable(),
          close: () => failed(new Error('the connection was closed')),
          connectError: (_socket, error) => failed(error),
          error: (_socket, error) => failed(error),
        },
      }).catch(failed);
    });
  }

  /** Sends a binary message. Returns false if the kernel did not take all of it at once; the rest follows. */
  send(payload: Buffer): boolean {
    return this.sendFrame(2, payload);
  }

  sendFrame(opcode: number, payload: Buffer): boolean {
    return this.write(clientFrame(opcode, payload));
  }

  /** Sends frames that are made already. Returns false if the kernel did not take all at once; the rest follows. */
  write(frames: Buffer): boolean {
    if (this.#unsent.length > 0) {
      this.#unsent.push(frames);
      return false;
    }
    const written = this.#socket.write(frames);
    if (written === frames.length) return true;
    this.#unsent.push(frames.subarray(Math.max(0, written)));
    return false;
  }

  /** The kernel takes more. */
  writable(): void {
    while (this.#unsent.length > 0) {
      const next = this.#unsent[0] as Buffer;
      const written = this.#socket.write(next);
      if (written < next.length) {
        this.#unsent[0] = next.subarray(Math.max(0, written));
        return;
      }
      this.#unsent.shift();
    }
  }

  /** Reads nothing any more: the server finds out when all buffers are full. */
  stopReading(): void {
    this.#socket.pause();
  }

  /** Reads on after `stopReading`. */
  readAgain(): void {
    this.#socket.resume();
  }

  close(): void {
    this.#socket.end();
  }
}

const agreement = /^sec-websocket-extensions: *permessage-deflate;.*server_no_context_takeover/im;

/** Answers pings, inflates, and hands on everything. */
function answering(connection: BenchWebSocket, { message, control }: FrameSink, deflate: boolean): FrameSink {
  const compressed = (bytes: Buffer, offset: number, size: number) => {
    const inflated = inflater.inflate(bytes, offset, size);
    message(inflated, 0, inflated.length);
  };
  return {
    message,
    compressed: deflate ? compressed : undefined,
    control(opcode, payload) {
      if (opcode === 9) connection.sendFrame(10, payload);
      control(opcode, payload);
    },
  };
}

/** A final frame, masked with zeros: the bytes stay as they are (RFC 6455, section 5.3). */
export function clientFrame(opcode: number, payload: Buffer): Buffer {
  const size = payload.length;
  const lengthBytes = size < 126 ? 0 : size < 65_536 ? 2 : 8;
  const frame = Buffer.alloc(2 + lengthBytes + 4 + size);
  frame[0] = 0x80 | opcode;
  if (lengthBytes === 0) frame[1] = 0x80 | size;
  else if (lengthBytes === 2) {
    frame[1] = 0x80 | 126;
    frame.writeUInt16BE(size, 2);
  } else {
    frame[1] = 0x80 | 127;
    frame.writeBigUInt64BE(BigInt(size), 2);
  }
  payload.copy(frame, 2 + lengthBytes + 4);
  return frame;
}
