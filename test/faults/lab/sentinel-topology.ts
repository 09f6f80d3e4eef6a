/**
 * A master, two replicas and three sentinels, each server behind a proxy under whose port the others know it.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePorts } from '../../../scripts/cluster/ports.ts';
import { TestRedis } from '../../support/redis.ts';
import { until } from '../../support/until.ts';
import { TcpProxy } from './tcp-proxy.ts';

const servers = 3;
const sentinels = 3;
const master = 'feed';
const quorum = 2;
/**
 * A server that does not answer for this long is down. A sentinel dials once a second: with less than two, a server that refused one dial
 * would be failed over.
 */
const downAfterMs = 2_500;

export class SentinelTopology {
  readonly servers: readonly TestRedis[];
  readonly proxies: readonly TcpProxy[];
  readonly sentinels: readonly TestRedis[];
  /** For `--redis`. */
  readonly url: string;
  readonly #folder: string;

  private constructor(
    parts: Pick<SentinelTopology, 'servers' | 'proxies' | 'sentinels'> & { folder: string },
  ) {
    this.servers = parts.servers;
    this.proxies = parts.proxies;
    this.sentinels = parts.sentinels;
    this.#folder = parts.folder;
    this.url = `redis+sentinel://${this.sentinels.map(({ port }) => `127.0.0.1:${port}`).join(',')}/${master}`;
  }

  /** Resolves when all know each other. */
  static async start(): Promise<SentinelTopology> {
    const folder = mkdtempSync(join(tmpdir(), 'outcry-faults-'));
    const ports = await freePorts(servers + sentinels);
    const serverPorts = ports.slice(0, servers);
    const proxies = await Promise.all(serverPorts.map((port) => TcpProxy.start(port)));
    const masterPort = (proxies[0] as TcpProxy).port;
    const started = await Promise.all(
      serverPorts.map((port, index) => {
        const announced = [
          '--replica-announce-ip',
          '127.0.0.1',
          '--replica-announce-port',
          `${proxies[index]?.port}`,
        ];
        const following = index === 0 ? [] : ['--replicaof', '127.0.0.1', `${masterPort}`];
        return TestRedis.start({
          port,
          flags: ['--repl-diskless-sync-delay', '0', ...announced, ...following],
        });
      }),
    );
    const watching = await Promise.all(
      ports.slice(servers).map((port) => {
        const file = join(folder, `sentinel-${port}.conf`);
        writeFileSync(
          file,
          `sentinel monitor ${master} 127.0.0.1 ${masterPort} ${quorum}
sentinel down-after-milliseconds ${master} ${downAfterMs}
sentinel failover-timeout ${master} 2000
`,
        );
        return TestRedis.startSentinel(port, file);
      }),
    );
    const topology = new SentinelTopology({ servers: started, proxies, sentinels: watching, folder });
    await topology.settled();
    return topology;
  }

  /** Resolves when every sentinel knows the same master, both replicas and the other sentinels. */
  async settled(): Promise<void> {
    await until(
      async () => await Promise.all(this.sentinels.map((sentinel) => this.#infoOf(sentinel))),
      (infos) =>
        new Set(infos.map((info) => /address=[^,]*/.exec(info)?.[0])).size === 1 &&
        infos.every((info) => /status=ok/.test(info) && /slaves=2/.test(info) && /sentinels=3/.test(info)),
      { what: 'the sentinels agreeing', withinMs: 30_000 },
    );
  }

  /** Index of the server that the sentinels take for the master, as the first of them says; -1 while it is none of ours. */
  async masterIndex(): Promise<number> {
    const answer = await this.#ask(
      this.sentinels[0] as TestRedis,
      'SENTINEL',
      'GET-MASTER-ADDR-BY-NAME',
      master,
    );
    const port = Array.isArray(answer) ? Number(answer[1]) : -1;
    return this.proxies.findIndex((proxy) => proxy.port === port);
  }

  /** The server that the sentinels take for the master now. */
  async master(): Promise<TestRedis | undefined> {
    return this.servers[await this.masterIndex()];
  }

  /** Orders a failover. Resolves with the new master when the first sentinel names it. */
  async failover(): Promise<number> {
    const before = await this.masterIndex();
    // Refused while another one is not quite over.
    await until(
      () => this.#ask(this.sentinels[0] as TestRedis, 'SENTINEL', 'FAILOVER', master).catch(String),
      (answer) => answer === 'OK',
      { what: 'a failover', withinMs: 20_000 },
    );
    return await this.newMaster(before);
  }

  async newMaster(before: number): Promise<number> {
    return await until(
      () => this.masterIndex(),
      (index) => index !== before && index !== -1,
      { what: 'a new master', withinMs: 30_000 },
    );
  }

  /** Starts a server that was killed, empty, as a replica of whoever is the master now. */
  async restart(index: number): Promise<void> {
    const server = this.servers[index] as TestRedis;
    await server.start();
    const current = this.proxies[await this.masterIndex()];
    await this.#ask(server, 'REPLICAOF', '127.0.0.1', String(current?.port));
  }

  /**
   * A split: another server becomes a master of its own, and the sentinels name that one from now on. The old one does not
   * hear of it, nor do those who are connected to it. Returns which one that was.
   */
  async detach(): Promise<number> {
    const old = await this.masterIndex();
    const fresh = (old + 1) % servers;
    await this.#ask(this.servers[fresh] as TestRedis, 'REPLICAOF', 'NO', 'ONE');
    for (const sentinel of this.sentinels) {
      await this.#ask(sentinel, 'SENTINEL', 'REMOVE', master);
      await this.#ask(
        sentinel,
        'SENTINEL',
        'MONITOR',
        master,
        '127.0.0.1',
        String(this.proxies[fresh]?.port),
        String(quorum),
      );
      await this.#ask(sentinel, 'SENTINEL', 'SET', master, 'down-after-milliseconds', String(downAfterMs));
    }
    return old;
  }

  /** Ends the connections of a node to a server, as a network may at any time. */
  async cutOff(index: number, boot: string): Promise<void> {
    const server = this.servers[index] as TestRedis;
    const list = String(await this.#ask(server, 'CLIENT', 'LIST'));
    for (const [, id] of list.matchAll(new RegExp(`^id=(\\d+) .* name=outcry-\\w+-${boot} `, 'gm')))
      await this.#ask(server, 'CLIENT', 'KILL', 'ID', String(id));
  }

  async stop(): Promise<void> {
    await Promise.all([...this.sentinels, ...this.servers].map((each) => each.kill()));
    await Promise.all(this.proxies.map((proxy) => proxy.stop()));
    rmSync(this.#folder, { recursive: true, force: true });
  }

  async #infoOf(sentinel: TestRedis): Promise<string> {
    return String(await this.#ask(sentinel, 'INFO', 'sentinel').catch(() => ''));
  }

  /** One question on a connection of its own: servers that change their role cut the others. */
  async #ask(server: TestRedis, command: string, ...args: string[]): Promise<unknown> {
    const client = server.client();
    try {
      return await client.call(command, ...args);
    } finally {
      client.disconnect();
    }
  }
}
