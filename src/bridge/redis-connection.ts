/**
 * One connection to Redis that finds its way back. The only file that knows the Redis client of the bridge, besides that which hears
 * sentinels.
 *
 * What ioredis does by default is switched off where it would hide a loss: it would queue commands while Redis is away,
 * send unanswered ones again, and restore subscriptions from its own memory. A connection here is either ready or not, and
 * says so; what was under way when it was lost is lost.
 *
 * Quirks, seen with ioredis 6.0 and Redis 7.0:
 *
 * - Only a `Buffer` argument is binary. The bytes are copied into the command when `publish` is called.
 * - A frozen server accepts connections (the kernel does) and answers nothing: the time from dialling to ready is bounded
 *   here, since `connectTimeout` covers the TCP handshake alone.
 * - `commandTimeout` rejects a command and leaves its bytes in the queue: bytes in flight are given back by a reply or by
 *   the end of the connection, never by a timeout.
 * - It makes strings of all arguments of a script for whoever traces commands; on Bun, whose tracing channels do not say
 *   whether anybody does, always. A command that counts as traced is spared that.
 * - An exception in a listener comes back as `uncaughtException`.
 * - A server of a Cluster ends subscriptions by itself when it gives their slot away: the library says `moved` then, and
 *   keeps the rest. Here the connection ends with it, since its owner has to look who has what anyway.
 */
import { Command, Redis, type RedisOptions } from 'ioredis';
import { type RedisAddress, redisNames } from '../config/redis-url.ts';
import { type BrokerConnection, type BrokerEvents, isRefusal, type ServerIdentity } from './broker.ts';
import { type ClusterView, type RedisHost, readClusterView } from './cluster-slots.ts';
import { retryPause } from './retry-pause.ts';

/** A dial that has not become ready by then is given up. */
const dialTimeoutMs = 2_500;
/** How long a closing connection is waited for before it is destroyed. */
const disconnectTimeoutMs = 200;

/** A Lua script, and the name by which a server remembers it. */
export interface RedisScript {
  readonly source: string;
  /** Of the source, in hex. */
  readonly sha1: string;
}

export interface RedisFacts {
  readonly version: string;
  /** `master` or `slave`. */
  readonly role: string;
  /** That are connected to it. */
  readonly replicas: number;
  /** What it does when its memory is full. */
  readonly eviction: string;
  /** In a Cluster: it refuses everything while any slot has no master. */
  readonly needsAllSlots: boolean;
  /** How nodes have laid out the channels; null if none was there yet. */
  readonly layout: string | null;
}

export interface RedisConnectionOptions extends BrokerEvents {
  address: RedisAddress;
  /** PEM of the authority that signed the server's certificate; null for the system's. */
  ca: string | null;
  /** Shown in `CLIENT LIST`; Redis refuses one with a space, and the client library says nothing of it. */
  name: string;
  commandTimeoutMs: number;
  /** It is a server of a Redis Cluster, in which publications and subscriptions stay within the slot of their channel. */
  inCluster?: boolean;
}

export class RedisConnection implements BrokerConnection {
  readonly #options: RedisConnectionOptions;
  readonly #redis: Redis;
  #ready = false;
  #bytesInFlight = 0;
  #dialTimer: NodeJS.Timeout | null = null;
  /** What was corked in this turn. */
  #gathering: Redis['stream'] | null = null;

  constructor(options: RedisConnectionOptions) {
    this.#options = options;
    this.#redis = new Redis(clientOptions(options));
    this.#redis.on('connecting', () => this.#watchDial());
    this.#redis.on('ready', () => void this.#identifyAndReport());
    this.#redis.on('close', () => this.#closed());
    this.#redis.on('error', (error: Error) => options.onError(error.message));
    this.#redis.on(options.inCluster ? 'smessageBuffer' : 'messageBuffer', (channel: Buffer, bytes: Buffer) =>
      options.onMessage(channel.toString(), bytes),
    );
    this.#redis.on('moved', () => this.reconnect());
    // The first dial began in the constructor, before anybody listened.
    this.#watchDial();
  }

  get ready(): boolean {
    return this.#ready;
  }

  get bytesInFlight(): number {
    return this.#bytesInFlight;
  }

  async publish(channel: string, bytes: Buffer): Promise<void> {
    this.#bytesInFlight += bytes.length;
    try {
      await (this.#options.inCluster
        ? this.#redis.spublish(channel, bytes)
        : this.#redis.publish(channel, bytes));
      this.#bytesInFlight -= bytes.length;
    } catch (error) {
      if (isRefusal(error)) this.#bytesInFlight -= bytes.length;
      this.#leaveIfMoved(error);
      throw error;
    }
  }

  /**
   * Runs a script; rejects like `publish`. Call it only while ready.
   *
   * @param args bytes are taken over, not copied: they must not change until the answer
   */
  async run(
    script: RedisScript,
    keys: readonly (string | Buffer)[],
    args: readonly (string | Buffer)[],
  ): Promise<unknown> {
    let bytes = 0;
    for (const arg of args) bytes += arg.length;
    this.#bytesInFlight += bytes;
    this.#gatherWrites();
    try {
      const reply = await this.#evaluate(script, [keys.length, ...keys, ...args]);
      this.#bytesInFlight -= bytes;
      return reply;
    } catch (error) {
      if (isRefusal(error)) this.#bytesInFlight -= bytes;
      this.#leaveIfMoved(error);
      throw error;
    }
  }

  async subscribe(channels: readonly string[]): Promise<void> {
    // One command may be about one slot only.
    if (this.#options.inCluster)
      await Promise.all(channels.map((channel) => this.#redis.ssubscribe(channel)));
    else await this.#redis.subscribe(...channels);
  }

  async unsubscribe(channels: readonly string[]): Promise<void> {
    if (this.#options.inCluster)
      await Promise.all(channels.map((channel) => this.#redis.sunsubscribe(channel)));
    else await this.#redis.unsubscribe(...channels);
  }

  async identify(): Promise<ServerIdentity> {
    const { runId, role } = await this.#ask();
    return { runId, role };
  }

  /** What an operator should know of it. Changes nothing. */
  async facts(layoutKey: string): Promise<RedisFacts> {
    const [info, layout, coverage] = await Promise.all([
      this.#redis.info(),
      this.#redis.get(layoutKey),
      // Not everybody may ask for settings, and not everybody has this one.
      this.#redis.config('GET', 'cluster-require-full-coverage').catch(() => []) as Promise<string[]>,
    ]);
    const said = (name: string) => new RegExp(`^${name}:(.*?)\\r?$`, 'm').exec(info)?.[1] ?? '';
    return {
      version: said('redis_version'),
      role: said('role'),
      replicas: Number(said('connected_slaves')),
      eviction: said('maxmemory_policy'),
      needsAllSlots: coverage[1] === 'yes',
      layout,
    };
  }

  /** How it sees the Cluster that it belongs to. */
  async view(): Promise<ClusterView> {
    const [slots, info] = await Promise.all([
      this.#redis.cluster('SLOTS'),
      this.#redis.cluster('INFO') as Promise<string>,
    ]);
    return readClusterView(slots, info, this.#options.address.hosts[0] as RedisHost);
  }

  async settle(key: string, value: string): Promise<string> {
    await this.#redis.set(key, value, 'NX');
    return (await this.#redis.get(key)) ?? '';
  }

  reconnect(): void {
    this.#redis.disconnect(true);
  }

  end(): void {
    if (this.#dialTimer !== null) clearTimeout(this.#dialTimer);
    this.#redis.disconnect();
  }

  /** The slot is on another server of the Cluster: its owner has to look. */
  #leaveIfMoved(error: unknown): void {
    if (isRefusal(error) && (error as Error).message.startsWith('MOVED')) this.reconnect();
  }

  /** What is written in this turn of the loop goes in one system call; Redis then answers all of it in one, too. */
  #gatherWrites(): void {
    const { stream } = this.#redis;
    if (this.#gathering === stream) return;
    this.#gathering = stream;
    stream.cork();
    process.nextTick(() => {
      this.#gathering = null;
      stream.uncork();
    });
  }

  /** A server that does not know the script has not run it: it gets the source, and knows it from then on. */
  async #evaluate({ sha1, source }: RedisScript, args: (string | number | Buffer)[]): Promise<unknown> {
    try {
      return await this.#send('EVALSHA', [sha1, ...args]);
    } catch (error) {
      if (!isRefusal(error) || !(error as Error).message.startsWith('NOSCRIPT')) throw error;
      return await this.#send('EVAL', [source, ...args]);
    }
  }

  /** As `callBuffer`, and past the tracing. */
  #send(name: string, args: (string | number | Buffer)[]): Promise<unknown> {
    const command = new Command(name, args, { replyEncoding: null });
    command.isTraced = true;
    return this.#redis.sendCommand(command) as Promise<unknown>;
  }

  async #ask(): Promise<ServerIdentity & { isInCluster: boolean }> {
    const [role, info] = await Promise.all([this.#redis.role(), this.#redis.info('server')]);
    return {
      role: String(role[0]),
      runId: /^run_id:(\w+)/m.exec(info)?.[1] ?? '',
      isInCluster: /^redis_mode:cluster/m.test(info),
    };
  }

  async #identifyAndReport(): Promise<void> {
    const { inCluster = false, address, onError, onReady } = this.#options;
    try {
      const { runId, role, isInCluster } = await this.#ask();
      this.#stopWatchingDial();
      if (isInCluster !== inCluster) {
        const is = isInCluster
          ? 'is part of a Redis Cluster: use redis+cluster://'
          : 'is part of no Redis Cluster';
        onError(`${redisNames(address).join()} ${is}`);
        this.#redialLater();
        return;
      }
      this.#ready = true;
      onReady({ runId, role });
    } catch (error) {
      this.#options.onError((error as Error).message);
      this.reconnect();
    }
  }

  #closed(): void {
    this.#bytesInFlight = 0;
    if (!this.#ready) return;
    this.#ready = false;
    this.#options.onLost();
  }

  #watchDial(): void {
    this.#stopWatchingDial();
    this.#dialTimer = setTimeout(() => {
      this.#options.onError('Redis accepts connections and does not answer');
      this.reconnect();
    }, dialTimeoutMs);
    this.#dialTimer.unref();
  }

  /** It answers, and will go on answering what is of no use. */
  #redialLater(): void {
    this.#dialTimer = setTimeout(() => this.reconnect(), dialTimeoutMs);
    this.#dialTimer.unref();
  }

  #stopWatchingDial(): void {
    if (this.#dialTimer !== null) clearTimeout(this.#dialTimer);
    this.#dialTimer = null;
  }
}

/** What somebody asks over a connection of its own, which ends with the answer. Rejects if it cannot be had at once. */
export async function visit<Answer>(
  options: Omit<RedisConnectionOptions, keyof BrokerEvents>,
  ask: (connection: RedisConnection) => Promise<Answer>,
): Promise<Answer> {
  return await new Promise((resolve, reject) => {
    const connection = new RedisConnection({
      ...options,
      onReady() {
        ask(connection)
          .then(resolve, reject)
          .finally(() => connection.end());
      },
      onError(message) {
        connection.end();
        reject(new Error(message));
      },
      onLost() {},
      onMessage() {},
    });
  });
}

function clientOptions({
  address,
  ca,
  name,
  commandTimeoutMs,
}: RedisConnectionOptions): RedisOptions & { replyMapping: 'legacy' } {
  const { hosts, sentinelMaster, username, password, database, tls } = address;
  const secure = tls ? { tls: ca === null ? {} : { ca } } : {};
  const credentials = {
    ...(username === null ? {} : { username }),
    ...(password === null ? {} : { password }),
  };
  const target =
    sentinelMaster === null
      ? { ...hosts[0] }
      : {
          sentinels: [...hosts],
          name: sentinelMaster,
          ...(username === null ? {} : { sentinelUsername: username }),
          ...(password === null ? {} : { sentinelPassword: password }),
          ...(tls ? { enableTLSForSentinelMode: true, sentinelTLS: secure.tls ?? {} } : {}),
          sentinelRetryStrategy: retryPause,
        };
  return {
    ...target,
    ...credentials,
    ...secure,
    db: database,
    connectionName: name,
    commandTimeout: commandTimeoutMs,
    connectTimeout: dialTimeoutMs,
    disconnectTimeout: disconnectTimeoutMs,
    retryStrategy: retryPause,
    replyMapping: 'legacy',
    enableOfflineQueue: false,
    autoResendUnfulfilledCommands: false,
    autoResubscribe: false,
    maxRetriesPerRequest: 1,
    maxLoadingRetryTime: dialTimeoutMs,
  };
}
