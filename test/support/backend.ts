/**
 * Stands in for a node behind HAProxy: a test decides what its health routes say and reads what arrived, byte by byte.
 * A WebSocket gets an echo; any other request gets 200.
 */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { WebSocketServer } from 'ws';

export class TestBackend {
  readonly port: number;
  /** Status of `/health/ready` and `/health/live`. */
  health = { ready: 200, live: 200 };
  /** Status of everything else, WebSockets too; 101 lets them through. */
  status = 101;
  /** WebSockets that are open. */
  get open(): number {
    return this.#sockets.clients.size;
  }
  /** From which addresses the open ones come, in the order in which they came. */
  get peers(): string[] {
    return [...this.#peers.values()];
  }
  readonly #peers = new Map<object, string>();
  readonly #sockets: WebSocketServer;
  readonly #received: Buffer[][] = [];
  readonly #stop: () => Promise<void>;

  private constructor(port: number, sockets: WebSocketServer, stop: () => Promise<void>) {
    this.port = port;
    this.#sockets = sockets;
    this.#stop = stop;
  }

  static async start(): Promise<TestBackend> {
    const server = createServer();
    const sockets = new WebSocketServer({ noServer: true });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const backend = new TestBackend((server.address() as AddressInfo).port, sockets, async () => {
      for (const socket of sockets.clients) socket.terminate();
      server.close();
      server.closeAllConnections();
    });

    server.on('connection', (socket) => {
      const chunks: Buffer[] = [];
      backend.#received.push(chunks);
      socket.on('data', (bytes) => chunks.push(bytes));
      socket.on('error', () => {}); // HAProxy ends a check by a reset.
    });
    server.on('request', ({ url }, response) => {
      const { ready, live } = backend.health;
      const health = url === '/health/ready' ? ready : url === '/health/live' ? live : null;
      const status = health ?? (backend.status === 101 ? 200 : backend.status);
      response.writeHead(status, { 'Content-Length': 0 }).end();
    });
    server.on('upgrade', (request, socket, head) => {
      if (backend.status !== 101) {
        socket.end(`HTTP/1.1 ${backend.status} x\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
        return;
      }
      sockets.handleUpgrade(request, socket, head, (webSocket) => {
        backend.#peers.set(webSocket, request.socket.remoteAddress ?? '');
        webSocket.on('close', () => backend.#peers.delete(webSocket));
        webSocket.on('error', () => {}); // A bad frame; ws answers it with a close.
        webSocket.on('message', (data, binary) => webSocket.send(data, { binary }));
      });
    });
    return backend;
  }

  /** Forgets what has arrived so far; HAProxy may use the same connections again. */
  forget(): void {
    for (const chunks of this.#received) chunks.length = 0;
  }

  /** What has arrived since on each connection that was not a health check. */
  received(): string[] {
    return this.#received
      .map((chunks) => Buffer.concat(chunks).toString('latin1'))
      .filter(
        (bytes) => bytes !== '' && !/^GET \/health\/\w+ HTTP\/1.1\r\nhost: outcry.health\r\n/i.test(bytes),
      );
  }

  stop(): Promise<void> {
    return this.#stop();
  }
}
