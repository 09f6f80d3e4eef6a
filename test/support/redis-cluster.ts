/**
 * A real Redis Cluster for a test: three masters, each with a replica or not, that notice a dead one soon.
 */
import { freePorts } from '../../scripts/cluster/ports.ts';
import { slotOf } from '../../src/bridge/cluster-slots.ts';
import { TestRedis } from './redis.ts';
import { until } from './until.ts';

const slots = 16_384;
const masters = 3;
/** Whoever does not answer for this long has failed. */
const nodeTimeoutMs = 1_000;

export class TestRedisCluster {
  /** The masters of the beginning, then their replicas in the same order. */
  readonly servers: readonly TestRedis[];
  /** For `--redis`; names two of the masters. */
  readonly url: string;

  readonly #dead = new Set<TestRedis>();

  private constructor(servers: readonly TestRedis[]) {
    this.servers = servers;
    this.url = `redis+cluster://${servers
      .slice(0, 2)
      .map(({ port }) => `127.0.0.1:${port}`)
      .join(',')}`;
  }

  /** @param replicas of each master, 0 or 1; other masters serve while one is missing (`cluster-require-full-coverage no`) */
  static async start(replicas: 0 | 1): Promise<TestRedisCluster> {
    const count = masters * (1 + replicas);
    // Unless told, servers meet on a port that nobody has looked at.
    const ports = await freePorts(2 * count);
    const servers = await Promise.all(
      ports.slice(0, count).map((port, index) =>
        TestRedis.start({
          port,
          flags: [
            ...['--cluster-enabled', 'yes', '--cluster-port', `${ports[count + index]}`],
            ...['--cluster-node-timeout', `${nodeTimeoutMs}`, '--cluster-require-full-coverage', 'no'],
            ...['--repl-diskless-sync-delay', '0', '--cluster-replica-validity-factor', '0'],
          ],
        }),
      ),
    );
    const cluster = new TestRedisCluster(servers);
    await Promise.all(
      servers.slice(0, masters).map((server, index) => {
        const first = Math.ceil((slots * index) / masters);
        const last = Math.ceil((slots * (index + 1)) / masters) - 1;
        return cluster.ask(server, 'CLUSTER', 'ADDSLOTSRANGE', `${first}`, `${last}`);
      }),
    );
    const [meeting] = servers as [TestRedis];
    for (const [index, port] of ports.slice(0, count).entries())
      await cluster.ask(meeting, 'CLUSTER', 'MEET', '127.0.0.1', `${port}`, `${ports[count + index]}`);
    await cluster.#know(count);
    await Promise.all(
      servers.slice(masters).map(async (replica, index) => {
        const id = await cluster.ask(servers[index] as TestRedis, 'CLUSTER', 'MYID');
        await cluster.ask(replica, 'CLUSTER', 'REPLICATE', String(id));
      }),
    );
    await cluster.settled(replicas * masters);
    return cluster;
  }

  get running(): TestRedis[] {
    return this.servers.filter((server) => !this.#dead.has(server));
  }

  /** SIGKILL to one of them, for good. */
  async lose(server: TestRedis): Promise<void> {
    this.#dead.add(server);
    await server.kill();
  }

  /** Resolves when all that run think that all is well, and so many replicas follow. */
  async settled(replicas: number): Promise<void> {
    const { running } = this;
    await until(
      async () => await Promise.all(running.map((server) => this.#viewOf(server))),
      (views) => views.every(({ ok, following }) => ok && following === replicas),
      { what: 'the cluster being well', withinMs: 30_000 },
    );
  }

  /** Gives a slot and what is in it from one master to another, as `redis-cli --cluster reshard` does. */
  async moveSlot(slot: string, from: TestRedis, to: TestRedis, toId: string): Promise<void> {
    const fromId = String(await this.ask(from, 'CLUSTER', 'MYID'));
    await this.ask(to, 'CLUSTER', 'SETSLOT', slot, 'IMPORTING', fromId);
    await this.ask(from, 'CLUSTER', 'SETSLOT', slot, 'MIGRATING', toId);
    const keys = (await this.ask(from, 'CLUSTER', 'GETKEYSINSLOT', slot, '1000')) as string[];
    if (keys.length > 0)
      await this.ask(from, 'MIGRATE', '127.0.0.1', `${to.port}`, '', '0', '5000', 'KEYS', ...keys);
    for (const server of [to, from]) await this.ask(server, 'CLUSTER', 'SETSLOT', slot, 'NODE', toId);
  }

  /** Resolves when a replica has taken over from its master. */
  async promoted(replica: TestRedis): Promise<void> {
    await until(
      async () => String(await this.ask(replica, 'ROLE').catch(() => '')),
      (role) => role.startsWith('master'),
      { what: 'the failover', withinMs: 30_000 },
    );
  }

  /** Which of the masters of the beginning got the slot of a hash tag. */
  masterOf(tag: string): number {
    return Math.floor((slotOf(tag) * masters) / slots);
  }

  /** One question on a connection of its own. */
  async ask(server: TestRedis, command: string, ...args: string[]): Promise<unknown> {
    const client = server.client();
    try {
      return await client.call(command, ...args);
    } finally {
      client.disconnect();
    }
  }

  async kill(): Promise<void> {
    await Promise.all(this.servers.map((server) => server.kill()));
  }

  async #know(count: number): Promise<void> {
    await until(
      async () => await Promise.all(this.servers.map((server) => this.ask(server, 'CLUSTER', 'INFO'))),
      (infos) => infos.every((info) => String(info).includes(`cluster_known_nodes:${count}`)),
      { what: 'the servers knowing each other', withinMs: 30_000 },
    );
  }

  async #viewOf(server: TestRedis): Promise<{ ok: boolean; following: number }> {
    try {
      const [info, nodes] = await Promise.all([
        this.ask(server, 'CLUSTER', 'INFO'),
        this.ask(server, 'CLUSTER', 'NODES'),
      ]);
      const healthy = String(nodes)
        .split('\n')
        .filter((line) => line.includes('connected') && !line.includes('fail'));
      return {
        ok: /cluster_state:ok/.test(String(info)) && /cluster_slots_ok:16384/.test(String(info)),
        following: healthy.filter((line) => line.includes('slave')).length,
      };
    } catch {
      return { ok: false, following: -1 };
    }
  }
}
