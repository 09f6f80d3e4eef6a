/**
 * The relay of a host: one process that stands between the workers of the host and Redis, so that Redis sends each frame once
 * per host and not once per worker. Without Redis it is what joins the workers, and keeps their histories.
 *
 *     worker ─ relay connections ─┐                      ┌─ Redis
 *     worker ─ relay connections ─┴─ relay ─ upstream ───┴─ or nothing
 *
 * It forwards frames as they are, numbers nothing and judges nothing: each worker is a node of the cluster with its own boot
 * id, beats and numbers, and finds out by itself what it has missed. The relay only knows who wants to hear which channel; it
 * subscribes to one while anybody does.
 *
 * **Beats.** Each of N workers beats once a second and hears all others, which is N² messages. Where there are many, beats gather
 * for a tenth of a second and go to everybody in one write; nothing depends on their being younger. A beat that is late says less
 * than the frames that came before it, never more.
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
import { relayFrame, toWorker } from '../protocol/relay-frame.ts';
import type { QuietLog } from './quiet-log.ts';
import { RelayPeer } from './relay-peer.ts';
import type { RelayUpstream } from './relay-upstream.ts';

/** Three of each worker, and some that are about to end. More would be an attack by oneself. */
const maxConnections = 8_192;
const lookEveryMs = 50;
/** How long beats gather, and for how many connections it is worth it. */
const lingerMs = 100;
const manyConnections = 24;
/** The longest path of a Unix socket, on Linux. */
const maxPathBytes = 107;

export interface RelayOptions {
  /** Of the Unix socket; it should be in a folder of its own. */
  path: string;
  upstream: RelayUpstream;
  /** Whether a message is one of those that are not urgent. */
  mayLinger(channel: string, bytes: Uint8Array): boolean;
  /** Bytes that may wait for one connection of a worker. */
  maxBytesWaiting: number;
  clock: Clock;
  log: QuietLog;
  metrics: RelayMetrics;
}

/** Who wants to hear a channel. */
interface Audience {
  readonly peers: Set<RelayPeer>;
  readonly confirmed: Promise<void>;
}

export class Relay {
  readonly #options: RelayOptions;
  readonly #server: Server;
  readonly #peers = new Set<RelayPeer>();
  #audiences = new Map<string, Audience>();
  /** Frames that gather, of one channel. */
  #lingering: { readonly channel: string; readonly frames: Buffer[] } | null = null;

  private constructor(options: RelayOptions) {
    this.#options = options;
    this.#server = createServer((socket) => this.#accept(socket));
    this.#server.maxConnections = maxConnections;
  }

  /** @throws UserError when the socket cannot be made */
  static async start(options: RelayOptions): Promise<Relay> {
    const relay = new Relay(options);
    await relay.#listen();
    options.upstream.start({
      changed: (role, why) => {
        if (role === 'bridge') relay.#audiences = new Map();
        for (const peer of relay.#peers) peer.tellState(role, why);
      },
      message: (channel, bytes, except) => relay.#deliver(channel, bytes, except),
    });
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
    await this.#options.upstream.stop();
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
    const { upstream, maxBytesWaiting, clock, log, metrics } = this.#options;
    metrics.connectionsOpen.value += 1;
    const peer = new RelayPeer(socket, {
      upstream,
      maxBytesWaiting,
      clock,
      metrics,
      subscribe: (channels) => this.#subscribe(peer, channels),
      unsubscribe: (channels) => this.#unsubscribe(peer, channels),
      onEnd: (reason) => {
        metrics.connectionsOpen.value -= 1;
        metrics.connectionsClosed.values[reason] += 1;
        if (reason !== 'ended')
          log.trouble('warn', { reason, worker: peer.bootId }, 'a connection of a worker was closed');
        this.#peers.delete(peer);
        this.#leaveAll(peer);
      },
    });
    this.#peers.add(peer);
  }

  async #subscribe(peer: RelayPeer, channels: readonly string[]): Promise<void> {
    const unknown = channels.filter((channel) => !this.#audiences.has(channel));
    if (unknown.length > 0) {
      const confirmed = this.#options.upstream.subscribe(unknown);
      // Whoever waits for it is told below; nobody may be left by then.
      confirmed.catch(() => {});
      for (const channel of unknown) this.#audiences.set(channel, { peers: new Set(), confirmed });
    }
    const joined = channels.map((channel) => [channel, this.#audiences.get(channel) as Audience] as const);
    for (const [, { peers }] of joined) peers.add(peer);
    try {
      for (const [, { confirmed }] of joined) await confirmed;
    } catch (error) {
      // Not those that have come since, with another connection.
      for (const [channel, audience] of joined)
        if (this.#audiences.get(channel) === audience) this.#leave(peer, channel);
      throw error;
    }
  }

  async #unsubscribe(peer: RelayPeer, channels: readonly string[]): Promise<void> {
    const unheard = channels.filter((channel) => this.#leave(peer, channel));
    if (unheard.length > 0) await this.#options.upstream.unsubscribe(unheard);
  }

  #leaveAll(peer: RelayPeer): void {
    const channels = [...this.#audiences.keys()];
    // Nobody waits for the answer. If Redis is away nothing is subscribed any more.
    this.#unsubscribe(peer, channels).catch(() => {});
  }

  /** Returns true if that was the last one. */
  #leave(peer: RelayPeer, channel: string): boolean {
    const audience = this.#audiences.get(channel);
    if (audience?.peers.delete(peer) !== true || audience.peers.size > 0) return false;
    this.#audiences.delete(channel);
    return true;
  }

  #deliver(channel: string, bytes: Uint8Array, except: string | null): void {
    const peers = this.#audiences.get(channel)?.peers;
    if (peers === undefined) return;
    // Made once for all of them.
    const frame = relayFrame(toWorker.message, channel, bytes);
    if (this.#peers.size >= manyConnections && this.#options.mayLinger(channel, bytes)) {
      this.#linger(channel, frame);
      return;
    }
    for (const peer of peers) if (peer.bootId !== except) peer.forward(frame, 1);
  }

  /** What lingers is for all who hear its channel. */
  #linger(channel: string, frame: Buffer): void {
    if (this.#lingering?.channel === channel) {
      this.#lingering.frames.push(frame);
      return;
    }
    const lingering = { channel, frames: [frame] };
    this.#lingering = lingering;
    this.#options.clock.after(lingerMs, () => {
      if (this.#lingering === lingering) this.#lingering = null;
      const all = Buffer.concat(lingering.frames);
      for (const peer of this.#audiences.get(channel)?.peers ?? [])
        peer.forward(all, lingering.frames.length);
    });
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
