/**
 * One connection of a worker to the relay of its host, in place of one to Redis (`relay.ts` is the other end).
 *
 * It is ready while the relay says that what stands behind it is. Two things can be lost: the relay, then it dials again with
 * pauses as they are made for Redis; or what is behind the relay, then the connection stays and the relay says when it is back.
 * Either way everything that was under way has failed.
 *
 * As with Redis, a command that is not answered in time is rejected, and its bytes stay in flight until the answer or the end
 * of the connection.
 */
import { connect, type Socket } from 'node:net';
import type { Clock, Timer } from '../clock.ts';
import { Malformed } from '../protocol/malformed.ts';
import {
  asBytes,
  asInteger,
  asText,
  type ReadValue,
  RelayFrames,
  type RelayRole,
  relayFrame,
  relayVersion,
  toRelay,
  toWorker,
  type WireValue,
} from '../protocol/relay-frame.ts';
import type { BrokerConnection, BrokerEvents, ServerIdentity } from './broker.ts';
import { GatheredWrites } from './gathered-writes.ts';
import { refusal } from './relay-upstream.ts';
import { retryPause } from './retry-pause.ts';

/** A relay that has not said anything by then is given up. */
const dialTimeoutMs = 2_500;
/** How often it is looked for commands that are overdue. */
const lookEveryMs = 50;

export interface RelayConnectionOptions extends BrokerEvents {
  /** Of the Unix socket. */
  path: string;
  role: RelayRole;
  /** Of this worker. */
  bootId: string;
  /** The id of the place that it leads to (`relayed-place.ts`); none where it is asked which there are. */
  place?: string;
  /** What the relay tells of the places that there are; may throw `Malformed`. */
  onPlaces?(values: readonly ReadValue[]): void;
  commandTimeoutMs: number;
  clock: Clock;
}

interface Command {
  readonly bytes: number;
  readonly dueAt: number;
  /** Its promise is settled; what is awaited is the answer alone. */
  overdue: boolean;
  resolve(value: ReadValue): void;
  reject(error: Error): void;
}

export class RelayConnection implements BrokerConnection {
  readonly #options: RelayConnectionOptions;
  /** Runs while something is awaited: an idle worker has nothing to wake up for. */
  #timer: Timer | null = null;
  /** In the order in which they were sent, which is that in which they are due. */
  readonly #commands = new Map<number, Command>();
  #socket: Socket | null = null;
  #writes: GatheredWrites | null = null;
  #dialTimer: Timer | null = null;
  #attempts = 0;
  #ended = false;
  #ready = false;
  #lastId = 0;
  #bytesInFlight = 0;

  constructor(options: RelayConnectionOptions) {
    this.#options = options;
    this.#dial();
  }

  get ready(): boolean {
    return this.#ready;
  }

  get bytesInFlight(): number {
    return this.#bytesInFlight;
  }

  async publish(channel: string, bytes: Buffer): Promise<void> {
    await this.#ask(bytes.length, toRelay.publish, channel, bytes);
  }

  async subscribe(channels: readonly string[]): Promise<void> {
    await this.#ask(0, toRelay.subscribe, ...channels);
  }

  async unsubscribe(channels: readonly string[]): Promise<void> {
    await this.#ask(0, toRelay.unsubscribe, ...channels);
  }

  async identify(): Promise<ServerIdentity> {
    const answer = await this.#ask(0, toRelay.identify);
    const [runId, role] = Array.isArray(answer) ? answer : [];
    return { runId: asText(runId), role: asText(role) };
  }

  async settle(key: string, value: string): Promise<string> {
    return asText(await this.#ask(0, toRelay.settle, key, value));
  }

  /** Runs a script that the relay knows as well as we do; as `RedisLink.run`. */
  async run(
    { sha1 }: { readonly sha1: string },
    keys: readonly string[],
    args: readonly (string | Buffer)[],
  ): Promise<unknown> {
    let bytes = 0;
    for (const arg of args) bytes += arg.length;
    return await this.#ask(bytes, toRelay.run, sha1, keys, args);
  }

  /** Asks the history that the relay keeps. Rejects like `publish`. */
  async askHistory(question: readonly WireValue[], bytes: number): Promise<ReadValue> {
    return await this.#ask(bytes, toRelay.history, ...question);
  }

  reconnect(): void {
    this.#socket?.destroy();
  }

  end(): void {
    this.#ended = true;
    this.#timer?.cancel();
    this.#dialTimer?.cancel();
    // What was written before goes out.
    this.#socket?.end();
  }

  #ask(bytes: number, type: number, ...values: readonly WireValue[]): Promise<ReadValue> {
    if (!this.#ready) return Promise.reject(new Error('the relay is away'));
    this.#lastId += 1;
    const id = this.#lastId;
    this.#bytesInFlight += bytes;
    this.#writes?.write(relayFrame(type, id, ...values));
    const { clock, commandTimeoutMs } = this.#options;
    this.#timer ??= clock.every(lookEveryMs, () => this.#giveUpOverdue());
    return new Promise((resolve, reject) => {
      const dueAt = clock.now() + commandTimeoutMs;
      this.#commands.set(id, { bytes, dueAt, overdue: false, resolve, reject });
    });
  }

  #dial(): void {
    const { path, role, bootId, place = '', clock, onError } = this.#options;
    const socket = connect(path);
    const frames = new RelayFrames();
    this.#socket = socket;
    this.#writes = new GatheredWrites(socket, clock);
    this.#dialTimer = clock.after(dialTimeoutMs, () => {
      onError('the relay of this host accepts connections and says nothing');
      socket.destroy();
    });
    socket.on('connect', () => socket.write(relayFrame(toRelay.hello, relayVersion, role, bootId, place)));
    socket.on('data', (chunk) => {
      try {
        frames.push(chunk, (type, values) => {
          if (socket === this.#socket) this.#take(type, values);
        });
      } catch (error) {
        if (!(error instanceof Malformed)) throw error;
        onError(`the relay of this host does not speak as it should: ${error.message}`);
        socket.destroy();
      }
    });
    socket.on('error', (error: Error) => onError(error.message));
    socket.on('close', () => this.#closed(socket));
  }

  #closed(socket: Socket): void {
    if (socket !== this.#socket) return;
    this.#socket = null;
    this.#dialTimer?.cancel();
    this.#lost('the connection to the relay of this host ended');
    if (this.#ended) return;
    this.#attempts += 1;
    this.#dialTimer = this.#options.clock.after(retryPause(this.#attempts), () => this.#dial());
  }

  #take(type: number, values: ReadValue[]): void {
    const [first, ...rest] = values;
    switch (type) {
      case toWorker.ready:
        this.#heard();
        this.#ready = true;
        this.#options.onReady({ runId: asText(first), role: asText(rest[0]) });
        break;
      case toWorker.lost:
        this.#heard();
        this.#lost(asText(first));
        break;
      case toWorker.message:
        this.#options.onMessage(asText(first), asBytes(rest[0]));
        break;
      case toWorker.places:
        this.#heard();
        this.#options.onPlaces?.(values);
        break;
      case toWorker.done:
        this.#commandOf(first)?.resolve(rest[0] ?? null);
        break;
      case toWorker.refused:
        this.#commandOf(first)?.reject(refusal(asText(rest[0])));
        break;
      case toWorker.failed:
        this.#commandOf(first)?.reject(new Error(asText(rest[0])));
        break;
      default:
        throw new Malformed('a frame of an unknown type');
    }
  }

  #heard(): void {
    this.#attempts = 0;
    this.#dialTimer?.cancel();
  }

  /** Takes out the command that was answered; null if it has ended already. */
  #commandOf(id: ReadValue | undefined): Command | null {
    const command = this.#commands.get(asInteger(id));
    if (command === undefined) return null;
    this.#commands.delete(asInteger(id));
    this.#bytesInFlight -= command.bytes;
    return command.overdue ? null : command;
  }

  #lost(reason: string): void {
    const commands = [...this.#commands.values()];
    const wasReady = this.#ready;
    this.#commands.clear();
    this.#bytesInFlight = 0;
    this.#ready = false;
    for (const { overdue, reject } of commands) if (!overdue) reject(new Error(reason));
    if (wasReady && !this.#ended) this.#options.onLost();
  }

  #giveUpOverdue(): void {
    if (this.#commands.size === 0) {
      this.#timer?.cancel();
      this.#timer = null;
    }
    const now = this.#options.clock.now();
    for (const command of this.#commands.values()) {
      if (command.dueAt > now) return;
      if (command.overdue) continue;
      command.overdue = true;
      command.reject(new Error('the relay of this host does not answer in time'));
    }
  }
}
