/**
 * The relay of a host: one process that stands between the workers of the host and Redis, so that Redis sends each frame once
 * per host and not once per worker. Without Redis it is what joins the workers, and keeps their histories.
 *
 *     worker ─ relay connections ─┐         ┌─ place ─ upstream ─ Redis
 *     worker ─ relay connections ─┴─ relay ─┴─ place ─ upstream ─ another, or nothing at all
 *
 * It forwards frames as they are, numbers nothing and judges nothing: each worker is a node of the cluster with its own boot
 * id, beats and numbers, and finds out by itself what it has missed. Where there are several servers, each worker has connections
 * for each; the relay tells them which places there are, and only knows who wants to hear which channel (`relay-place.ts`).
 *
 * **Bounds.** What waits for a worker is bounded in bytes; one that takes too little is cut off, which it hears as a loss of
 * Redis, and comes back. Whoever sends what cannot be read is cut off, too. What it owes an answer for is bounded by the
 * workers, each for itself, and together by what stands behind (`RelayUpstream`).
 */
import { chmodSync, unlinkSync } from 'node:fs';
import { connect, createServer, type Server, type Socket } from 'node:net';
import type { Clock } from '../clock.ts';
import { exitCodes, UserError } from '../errors.ts';
import type { RelayMetrics } from '../metrics/relay-metrics.ts';
import type { QuietLog } from './quiet-log.ts';
import { RelayPeer } from './relay-peer.ts';
import { RelayPlace } from './relay-place.ts';
import type { RelayUpstream, RelayUpstreams } from './relay-upstream.ts';

/** One of each worker, two or three more for each place, and some that are about to end. More would be an attack by oneself. */
const maxConnections = 16_384;
const lookEveryMs = 50;
/** The longest path of a Unix socket, on Linux. */
const maxPathBytes = 107;

export interface RelayOptions {
  /** Of the Unix socket; it should be in a folder of its own. */
  path: string;
  upstreams: RelayUpstreams;
  /** Bytes that may wait for one connection of a worker. */
  maxBytesWaiting: number;
  clock: Clock;
  log: QuietLog;
  metrics: RelayMetrics;
}

export class Relay {
  readonly #options: RelayOptions;
  readonly #server: Server;
  readonly #peers = new Set<RelayPeer>();
  /** By the ids by which workers ask for them. */
  #places: ReadonlyMap<string, RelayPlace> = new Map();

  private constructor(options: RelayOptions) {
    this.#options = options;
    this.#server = createServer((socket) => this.#accept(socket));
    this.#server.maxConnections = maxConnections;
  }

  /** @throws UserError when the socket cannot be made */
  static async start(options: RelayOptions): Promise<Relay> {
    const relay = new Relay(options);
    await relay.#listen();
    options.upstreams.start((upstreams) => relay.#settle(upstreams));
    return relay;
  }

  /** Resolves when no worker is connected, or after so long. */
  async unused(withinMs: number): Promise<void> {
    const { clock } = this.#options;
    const deadline = clock.now() + withinMs;
    while (this.#peers.size > 0 && clock.now() < deadline)
      await new Promise<void>((resolve) => clock.after(lookEveryMs, resolve));
  }

  async stop(): Promise<void> {
    this.#server.close();
    await this.#options.upstreams.stop();
    for (const peer of this.#peers) peer.end();
  }

  async #listen(): Promise<void> {
    const { path } = this.#options;
    if (Buffer.byteLength(path) > maxPathBytes)
      throw new UserError(`the path of a Unix socket is too long: ${path}; set TMPDIR to a shorter folder`);
    await removeStale(path);
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', (error) => {
        reject(new UserError(`cannot listen on ${path}: ${error.message}`, exitCodes.cannotListen));
      });
      this.#server.listen(path, resolve);
    });
    chmodSync(path, 0o600);
  }

  #accept(socket: Socket): void {
    const { maxBytesWaiting, clock, log, metrics } = this.#options;
    metrics.connectionsOpen.value += 1;
    const peer = new RelayPeer(socket, {
      maxBytesWaiting,
      clock,
      metrics,
      places: () => this.#places,
      onEnd: (reason) => {
        metrics.connectionsOpen.value -= 1;
        metrics.connectionsClosed.values[reason] += 1;
        if (reason !== 'ended')
          log.trouble('warn', { reason, worker: peer.bootId }, 'a connection of a worker was closed');
        this.#peers.delete(peer);
      },
    });
    this.#peers.add(peer);
  }

  /** From now on these are the places that there are. */
  #settle(upstreams: readonly RelayUpstream[]): void {
    const before = this.#places;
    this.#places = new Map(
      upstreams.map((upstream) => {
        const { id } = upstream.place;
        const known = before.get(id);
        return [id, known?.upstream === upstream ? known : new RelayPlace(upstream, this.#options.clock)];
      }),
    );
    for (const peer of this.#peers) peer.placesChanged();
  }
}

/**
 * A relay that was killed leaves its socket behind.
 *
 * @throws UserError if another one still listens there
 */
async function removeStale(path: string): Promise<void> {
  const answers = await new Promise<boolean>((resolve) => {
    const socket = connect(path, () => resolve(true));
    socket.on('error', () => resolve(false));
    socket.on('connect', () => socket.destroy());
  });
  if (answers) throw new UserError(`another relay listens on ${path}`, exitCodes.cannotListen);
  try {
    unlinkSync(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
}
