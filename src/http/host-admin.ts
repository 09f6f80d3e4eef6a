/**
 * The admin listener of a host with several workers. Each worker has one of its own on loopback, on any port; this one stands in
 * front of them, on the port that operators know:
 *
 * - `/metrics`: those of all processes of the host, each series with a label `worker`.
 * - `/health/ready`: ready as long as any worker is, since the public port leads to those that are.
 * - everything else goes to one worker as it is, which answers for the cluster; upgrades to WebSocket too.
 *
 * Who may do what is decided by the worker that is asked, by the same key: nothing is let through here that it would refuse.
 */
import { createServer, type IncomingMessage, request, type Server, type ServerResponse } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { mergeMetrics } from '../metrics/merge-metrics.ts';

/** How long a worker may take for a health route, or for its metrics. */
const askTimeoutMs = 2_000;
/** Longest head of a request; the worker has narrower limits and answers for itself. */
const maxHeaderSize = 32_768;
const keepAliveMs = 10_000;
/** Of operators and scrapers; a worker bounds what they may do together. */
const maxConnections = 1_024;

export interface HostAdminOptions {
  host: string;
  port: number;
  /** Ports of the workers that listen, on loopback. */
  workers(): readonly number[];
  /** Metrics of the processes of the host that have no listener, and of the workers, by the value of the label. */
  metricsTexts(): Promise<ReadonlyMap<string, string>>;
}

export class HostAdmin {
  readonly #options: HostAdminOptions;
  readonly #server: Server;
  #next = 0;

  private constructor(options: HostAdminOptions) {
    this.#options = options;
    this.#server = createServer({ maxHeaderSize, keepAliveTimeout: keepAliveMs }, (asked, answer) => {
      this.#handle(asked, answer).catch(() => refuse(answer, 502, 'a worker did not answer'));
    });
    this.#server.maxConnections = maxConnections;
    this.#server.on('upgrade', (asked: IncomingMessage, socket: Socket, head: Buffer) =>
      this.#tunnel(asked, socket, head),
    );
  }

  /** Rejects with the error of the system when the address cannot be bound. */
  static async start(options: HostAdminOptions): Promise<HostAdmin> {
    const admin = new HostAdmin(options);
    await new Promise<void>((resolve, reject) => {
      admin.#server.once('error', reject);
      admin.#server.listen({ host: options.host, port: options.port, exclusive: true }, resolve);
    });
    return admin;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  stop(): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }

  async #handle(asked: IncomingMessage, answer: ServerResponse): Promise<void> {
    const [path] = (asked.url ?? '/').split('?');
    if (path === '/health/ready') await this.#ready(asked, answer);
    else if (path === '/metrics') await this.#metrics(asked, answer);
    else this.#forward(asked, answer);
  }

  /** The first worker that is ready, or the last one that is not. */
  async #ready(asked: IncomingMessage, answer: ServerResponse): Promise<void> {
    let last: Answered | null = null;
    for (let left = this.#options.workers().length; left > 0 && last?.status !== 200; left -= 1)
      last = (await this.#askWorker(asked).catch(() => null)) ?? last;
    give(answer, last);
  }

  async #metrics(asked: IncomingMessage, answer: ServerResponse): Promise<void> {
    // It says whether this one may know.
    const one = await this.#askWorker(asked);
    const isTold = one !== null && one.status === 200 && asked.method === 'GET';
    const merged = isTold ? mergeMetrics(await this.#options.metricsTexts()) : '';
    give(answer, isTold ? { ...one, body: Buffer.from(merged) } : one);
  }

  /** Null if there is none. */
  async #askWorker({ method = 'GET', url = '/', headers }: IncomingMessage): Promise<Answered | null> {
    const port = this.#worker();
    if (port === null) return null;
    return await new Promise((resolve, reject) => {
      const options = { host: '127.0.0.1', port, method, path: url, headers, timeout: askTimeoutMs };
      const asking = request({ ...options, agent: false }, (told) => {
        const parts: Buffer[] = [];
        told.on('data', (part: Buffer) => parts.push(part));
        told.on('end', () => {
          const { 'content-type': contentType = 'text/plain' } = told.headers;
          const challenge = told.headers['www-authenticate'];
          resolve({
            status: told.statusCode ?? 502,
            headers: {
              'Content-Type': contentType,
              'Cache-Control': 'no-store',
              ...(challenge === undefined ? {} : { 'WWW-Authenticate': challenge }),
            },
            body: Buffer.concat(parts),
          });
        });
        told.on('error', reject);
      });
      asking.on('timeout', () => asking.destroy(new Error('a worker does not answer')));
      asking.on('error', reject);
      asking.end();
    });
  }

  #forward(asked: IncomingMessage, answer: ServerResponse): void {
    const port = this.#worker();
    if (port === null) {
      refuse(answer, 503, 'no worker listens');
      return;
    }
    const { method, url, headers } = asked;
    let isAnswered = false;
    const forwarded = request(
      { host: '127.0.0.1', port, method, path: url, headers, agent: false },
      (told) => {
        isAnswered = true;
        // It may have heard enough before all was sent.
        asked.unpipe(forwarded);
        asked.resume();
        answer.writeHead(told.statusCode ?? 502, told.headers);
        told.on('error', () => answer.destroy());
        told.pipe(answer);
      },
    );
    // A worker that has answered may end the connection while its peer still sends.
    forwarded.on('error', () => {
      if (!isAnswered) refuse(answer, 502, 'a worker did not answer');
    });
    // Whoever goes away takes his request with him.
    answer.on('close', () => forwarded.destroy());
    asked.pipe(forwarded);
  }

  #tunnel(asked: IncomingMessage, socket: Socket, head: Buffer): void {
    const port = this.#worker();
    if (port === null) {
      socket.end('HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\n\r\n');
      return;
    }
    const worker = connect(port, '127.0.0.1', () => {
      const lines = [`${asked.method} ${asked.url} HTTP/1.1`];
      for (let at = 0; at + 1 < asked.rawHeaders.length; at += 2)
        lines.push(`${asked.rawHeaders[at]}: ${asked.rawHeaders[at + 1]}`);
      worker.write(`${lines.join('\r\n')}\r\n\r\n`);
      if (head.length > 0) worker.write(head);
      worker.pipe(socket);
      socket.pipe(worker);
    });
    for (const [one, other] of [
      [worker, socket],
      [socket, worker],
    ] as const) {
      one.on('error', () => other.destroy());
      one.on('close', () => other.destroy());
    }
  }

  /** Each in turn. */
  #worker(): number | null {
    const ports = this.#options.workers();
    this.#next += 1;
    return ports[this.#next % ports.length] ?? null;
  }
}

interface Answered {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
}

function give(answer: ServerResponse, answered: Answered | null): void {
  if (answered === null) {
    refuse(answer, 503, 'no worker listens');
    return;
  }
  answer.writeHead(answered.status, { ...answered.headers, 'Content-Length': answered.body.length });
  answer.end(answered.body);
}

function refuse(answer: ServerResponse, status: number, sentence: string): void {
  if (answer.headersSent) {
    answer.destroy();
    return;
  }
  answer.writeHead(status, { 'Content-Type': 'text/plain; charset=utf-8', 'Cache-Control': 'no-store' });
  answer.end(`${sentence}\n`);
}
