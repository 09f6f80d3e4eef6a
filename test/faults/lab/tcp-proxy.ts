/**
 * A TCP proxy that can do to a connection what a network does: carry it, cut it, refuse it, swallow it, slow it down.
 *
 * A blackhole holds bytes back instead of losing them, as TCP does: when the network heals, what was sent meanwhile arrives.
 * New connections are accepted during one, as by a kernel whose process is frozen, and nothing answers them.
 */
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';

/** - `both`: nothing passes; `to server`, `to client`: only that way is closed. */
export type Blackhole = 'both' | 'to server' | 'to client';

const tickMs = 20;

/** One connection through the proxy: the sockets, and what was read and may not pass yet. */
interface Pair {
  readonly client: Socket;
  readonly server: Socket;
}

export class TcpProxy {
  readonly port: number;
  #target: number;
  readonly #pairs = new Set<Pair>();
  #server: Server;
  #blackhole: Blackhole | null = null;
  /** Bytes a second each way of each connection; infinite unless throttled. */
  #rate = Number.POSITIVE_INFINITY;
  #refusing = false;

  private constructor(server: Server, target: number) {
    this.#server = server;
    this.#target = target;
    this.port = (server.address() as AddressInfo).port;
    server.on('connection', (client) => this.#accept(client));
  }

  /** @param target port on 127.0.0.1 */
  static async start(target: number): Promise<TcpProxy> {
    const server = createServer({ pauseOnConnect: true });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return new TcpProxy(server, target);
  }

  /** Connections that are open now. */
  get connections(): number {
    return this.#pairs.size;
  }

  /** Everything is well again. Resolves when it accepts. */
  async pass(): Promise<void> {
    this.#blackhole = null;
    this.#rate = Number.POSITIVE_INFINITY;
    for (const pair of this.#pairs) this.#resume(pair);
    if (!this.#refusing) return;
    this.#refusing = false;
    this.#server = createServer({ pauseOnConnect: true });
    this.#server.on('connection', (client) => this.#accept(client));
    this.#server.listen(this.port, '127.0.0.1');
    await once(this.#server, 'listening');
  }

  /** New connections lead to that port from now on, and those that are open end. */
  leadTo(target: number): void {
    this.#target = target;
    this.cut();
  }

  /** Ends every connection at once, by a reset. New ones are welcome. */
  cut(): void {
    // Node cannot reset a socket that is saying goodbye, and would keep it for ever.
    for (const { client, server } of this.#pairs)
      for (const socket of [client, server])
        if (socket.writableEnded) socket.destroy();
        else socket.resetAndDestroy();
  }

  /** Ends every connection and refuses new ones until `pass`. */
  async refuse(): Promise<void> {
    if (this.#refusing) return;
    this.#refusing = true;
    const closed = once(this.#server, 'close');
    this.#server.close();
    this.cut();
    await closed;
  }

  /** Nothing passes any more, and nobody is told. */
  blackhole(way: Blackhole = 'both'): void {
    this.#blackhole = way;
    for (const pair of this.#pairs) {
      if (this.#swallows('to server')) pair.client.pause();
      if (this.#swallows('to client')) pair.server.pause();
    }
  }

  /** From now on each way of each connection carries so many bytes a second. */
  throttle(bytesPerSecond: number): void {
    this.#rate = bytesPerSecond;
  }

  async stop(): Promise<void> {
    await this.refuse();
  }

  #accept(client: Socket): void {
    const server = connect(this.#target, '127.0.0.1');
    const pair = { client, server };
    this.#pairs.add(pair);
    const end = () => {
      this.#pairs.delete(pair);
      client.destroy();
      server.destroy();
    };
    for (const socket of [client, server]) {
      socket.setNoDelay(true);
      socket.on('error', () => {}); // The close that follows is passed on.
      socket.on('close', end);
    }
    client.on('data', (bytes) => this.#carry(client, server, bytes, 'to server'));
    server.on('data', (bytes) => this.#carry(server, client, bytes, 'to client'));
    // An end is bytes too: a blackhole swallows it, for a paused socket does not read it.
    client.on('end', () => server.end());
    server.on('end', () => client.end());
    if (this.#swallows('to client')) server.pause();
    if (!this.#swallows('to server')) client.resume();
  }

  #carry(from: Socket, to: Socket, bytes: Buffer, way: Blackhole): void {
    const writable = to.write(bytes);
    const pauseMs = (bytes.length / this.#rate) * 1_000;
    if (pauseMs > tickMs) {
      from.pause();
      setTimeout(() => {
        if (!this.#swallows(way)) from.resume();
      }, pauseMs).unref();
    } else if (!writable) {
      from.pause();
      to.once('drain', () => {
        if (!this.#swallows(way)) from.resume();
      });
    }
  }

  #swallows(way: Blackhole): boolean {
    return this.#blackhole === 'both' || this.#blackhole === way;
  }

  #resume({ client, server }: Pair): void {
    client.resume();
    server.resume();
  }
}
