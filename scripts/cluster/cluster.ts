/**
 * A whole cluster on this machine: Redis, nodes, HAProxy.
 *
 * Up: each part starts when those that it needs are ready, so that HAProxy begins with nodes that it finds well. Down, in
 * the order in which clients notice least: HAProxy takes nobody new, nodes tell their clients to come back, HAProxy ends
 * when the last tunnel has, Redis goes last. Nothing is restarted by itself: seeing what a death does is what this is for.
 *
 * Rolled: each node in turn is told to leave, ends when its clients have gone to the others, is started anew from the sources
 * as they are now, and has to be found well by HAProxy before the next one goes.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { clientBundles } from '../../bin/client-bundle.mjs';
import { exitCodes, UserError } from '../../src/errors.ts';
import { makeCertificate } from './certificate.ts';
import type { Child } from './child.ts';
import { haproxyIsReady, serverIsUp, spawnHaproxy } from './haproxy.ts';
import { leavesWithinMs, nodeIsReady, type Runtime, spawnNode } from './node.ts';
import type { ClusterOptions } from './options.ts';
import { freePorts, isFree } from './ports.ts';
import { redisIsReady, spawnRedis } from './redis.ts';

/** What HAProxy gets, after the last node has gone, to see its last tunnels end. */
const tunnelsEndMs = 1_000;

/** One process and where to find it. */
export interface Part {
  child: Child;
  /** What a node runs on; nothing for the others. */
  runtime: Runtime | '';
  /** Where clients connect. */
  address: string;
  /** Where operators look, if anywhere. */
  operators: string;
}

export interface ClusterEvents {
  /** A line of output of a part. */
  line(name: string, line: string): void;
  /** A part died while the cluster was meant to run. */
  died(name: string, code: number): void;
}

export class Cluster {
  readonly parts: Part[] = [];
  /** Where a browser goes. */
  readonly url: string;
  /** HAProxy's. */
  readonly port: number;
  readonly #options: ClusterOptions;
  readonly #events: ClusterEvents;
  #folder: string | null = null;
  #stopped: Promise<void> | null = null;
  #rolling = false;
  /** Who is being replaced. */
  #leaving: Child | null = null;

  private constructor(options: ClusterOptions, events: ClusterEvents) {
    this.#options = options;
    this.#events = events;
    this.port = options.port;
    this.url = options.tls ? `https://localhost:${options.tlsPort}` : `http://localhost:${options.port}`;
  }

  /** Prepares a cluster on ports that are free. @throws UserError that names every port that is taken */
  static async prepare(options: ClusterOptions, events: ClusterEvents): Promise<Cluster> {
    return new Cluster(await withPorts(options), events);
  }

  /**
   * Resolves when a client can connect; or when `stop` was called meanwhile.
   *
   * @throws UserError when a part does not come up; call `stop` then, too
   */
  async start(): Promise<void> {
    try {
      await this.#start();
      for (const { child } of this.parts) void this.#watch(child);
    } catch (error) {
      if (this.#stopped === null) throw error; // Otherwise it is `stop` that the parts died of.
    }
  }

  /**
   * Replaces all nodes, one after the other; at most one is away at any time, and the first that does not come back ends it.
   *
   * @throws UserError when that happens, or it is under way already
   */
  async roll(say: (line: string) => void): Promise<void> {
    if (this.#rolling) throw new UserError('it is being rolled already');
    this.#rolling = true;
    try {
      const nodes = this.parts.filter(({ child }) => child.name.startsWith('node-'));
      for (const [index, part] of nodes.entries()) {
        const { name } = part.child;
        say(`${name}: told to leave`);
        this.#leaving = part.child;
        const code = await part.child.stop({ graceMs: leavesWithinMs });
        this.#ifStopped();
        say(`${name}: ended with ${code}`);
        const { nodePort } = this.#spawnNode(index, part);
        await nodeIsReady(part.child, nodePort);
        await serverIsUp(part.child, this.#options.statsPort, name);
        void this.#watch(part.child);
        say(`${name}: back, as process ${part.child.pid}`);
      }
    } finally {
      this.#rolling = false;
      this.#leaving = null;
    }
  }

  /** Ends every part and removes what was written. Resolves when nothing is left. */
  stop(): Promise<void> {
    this.#stopped ??= this.#stop();
    return this.#stopped;
  }

  /** SIGKILL to every part. */
  kill(): void {
    for (const { child } of this.parts) child.kill();
  }

  async #start(): Promise<void> {
    const { mode, nodePorts, redisPort, port, statsPort, tlsPort } = this.#options;
    // The nodes are started without the launcher, which would see to it.
    clientBundles();
    const folder = mkdtempSync(join(tmpdir(), 'outcry-cluster-'));
    this.#folder = folder;
    const certificate = this.#options.tls ? makeCertificate(folder) : null;
    const onLine = (name: string) => (line: string) => this.#events.line(name, line);

    const redisUrl = `redis://127.0.0.1:${redisPort}`;
    const redis = spawnRedis({ port: redisPort, folder, onLine: onLine('redis') });
    this.parts.push({ child: redis, runtime: '', address: redisUrl, operators: '' });
    await redisIsReady(redis, redisPort);
    this.#ifStopped();

    const nodes = nodePorts.map((_, index) => {
      const { child, nodePort } = this.#spawnNode(index);
      return nodeIsReady(child, nodePort);
    });
    await Promise.all(nodes);
    this.#ifStopped();

    const tls = certificate === null ? undefined : { port: tlsPort, certificate };
    const haproxy = spawnHaproxy({ mode, port, statsPort, nodePorts, tls, onLine: onLine('haproxy') });
    this.parts.push({
      child: haproxy,
      runtime: '',
      address: `ws://localhost:${port}${tls ? ` wss://localhost:${tlsPort}` : ''}`,
      operators: `http://127.0.0.1:${statsPort}/`,
    });
    await haproxyIsReady(haproxy, statsPort);
  }

  /** @param part what is replaced; a new one without it */
  #spawnNode(index: number, part?: Part): { child: Child; nodePort: number } {
    const { runtimes, nodePorts, adminPorts, redisPort } = this.#options;
    const id = `node-${index + 1}`;
    const nodePort = nodePorts[index] as number;
    const adminPort = adminPorts[index] as number;
    const runtime = runtimes[index] as Runtime;
    const child = spawnNode({
      ...{ id, runtime, port: nodePort, adminPort },
      redisUrl: `redis://127.0.0.1:${redisPort}`,
      onLine: (line) => this.#events.line(id, line),
    });
    if (part !== undefined) part.child = child;
    else
      this.parts.push({
        child,
        runtime,
        address: `ws://127.0.0.1:${nodePort}`,
        operators: `http://127.0.0.1:${adminPort}/metrics`,
      });
    return { child, nodePort };
  }

  async #stop(): Promise<void> {
    const named = (pattern: RegExp) =>
      this.parts.map(({ child }) => child).filter(({ name }) => pattern.test(name));
    const haproxy = named(/^haproxy$/);
    for (const child of haproxy) child.signal('SIGUSR1');
    // Somebody waits: nobody is left to send clients to, so they are told all at once.
    await Promise.all(named(/^node-/).map((node) => node.stop({ signal: 'SIGINT' })));
    await Promise.all(haproxy.map((child) => child.endsWithin(tunnelsEndMs)));
    await Promise.all(haproxy.map((child) => child.stop({ graceMs: 1_000 })));
    await Promise.all(named(/^redis$/).map((redis) => redis.stop({ graceMs: 2_000 })));
    if (this.#folder !== null) rmSync(this.#folder, { recursive: true, force: true });
  }

  #ifStopped(): void {
    if (this.#stopped !== null) throw new Error('stopped while starting');
  }

  async #watch(child: Child): Promise<void> {
    const code = await child.exited;
    if (this.#stopped === null && this.#leaving !== child) this.#events.died(child.name, code);
  }
}

/** Chooses free ports where 0 was given, and refuses those that are taken. */
async function withPorts(options: ClusterOptions): Promise<ClusterOptions> {
  const wanted = [
    { flag: '--port', user: 'HAProxy', port: options.port },
    { flag: '--stats-port', user: 'its statistics', port: options.statsPort },
    ...(options.tls ? [{ flag: '--tls-port', user: 'wss://', port: options.tlsPort }] : []),
    ...options.nodePorts.map((port, at) => ({ flag: '--base-port', user: `node-${at + 1}`, port })),
    ...options.adminPorts.map((port, at) => ({
      flag: '--base-port',
      user: `the admin listener of node-${at + 1}`,
      port,
    })),
  ];
  const fixed = wanted.filter(({ port }) => port !== 0);
  const free = await Promise.all(fixed.map(({ port }) => isFree(port)));
  const taken = fixed.filter((_, index) => !free[index]);
  if (taken.length > 0)
    throw new UserError(
      taken
        .map(({ port, user, flag }) => `port ${port}, for ${user}, is taken; choose another with ${flag}`)
        .join('\n'),
      exitCodes.cannotListen,
    );

  const spare = await freePorts(wanted.length + 1);
  const choose = (port: number) => (port === 0 ? (spare.pop() as number) : port);
  return {
    ...options,
    port: choose(options.port),
    statsPort: choose(options.statsPort),
    tlsPort: options.tls ? choose(options.tlsPort) : 0,
    nodePorts: options.nodePorts.map(choose),
    adminPorts: options.adminPorts.map(choose),
    redisPort: choose(0),
  };
}
