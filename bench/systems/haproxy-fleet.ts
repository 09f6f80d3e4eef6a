/**
 * As many HAProxy processes on one port as the limit of descriptors demands, in the configurations that this project ships.
 * Each has a source address of its own, so that the ports towards the workers are enough.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { makeCertificate } from '../../scripts/cluster/certificate.ts';
import type { Child } from '../../scripts/cluster/child.ts';
import { haproxyIsReady, spawnHaproxy } from '../../scripts/cluster/haproxy.ts';
import { freePorts } from '../../scripts/cluster/ports.ts';
import type { Target } from '../generator/messages.ts';
import { withChildren } from './process-usage.ts';
import type { Running } from './running.ts';
import type { RunningSystem } from './system.ts';

/** As a balancer of requests, of bytes, or of requests that come encrypted. */
export const vias = ['haproxy', 'haproxy-l4', 'haproxy-tls'] as const;
export type Via = (typeof vias)[number];

export interface FleetOptions {
  via: Via;
  count: number;
  server: RunningSystem;
  running: Running;
}

export class HaproxyFleet {
  readonly target: Target;
  readonly #proxies: Child[];
  readonly #running: Running;
  readonly #files: { stop(): Promise<void> };

  private constructor(target: Target, proxies: Child[], files: { stop(): Promise<void> }, running: Running) {
    this.target = target;
    this.#proxies = proxies;
    this.#files = files;
    this.#running = running;
  }

  static async start({ via, count, server, running }: FleetOptions): Promise<HaproxyFleet> {
    const folder = mkdtempSync(join(tmpdir(), 'outcry-bench-'));
    const files = running.add({ stop: async () => rmSync(folder, { recursive: true, force: true }) });
    const [port, tlsPort, ...statsPorts] = (await freePorts(2 + count)) as [number, number, ...number[]];
    const [first] = server.subscribeTo as [Target];
    const certificate = via === 'haproxy-tls' ? makeCertificate(folder) : null;
    const proxies: Child[] = [];
    for (const [index, statsPort] of statsPorts.entries()) {
      const proxy = running.add(
        spawnHaproxy({
          mode: via === 'haproxy-l4' ? 'tcp' : 'http',
          ...{ port, statsPort, nodePorts: [first.port], massive: true },
          tls: certificate === null ? undefined : { port: tlsPort, certificate },
          env: { PROXY_SOURCE: `127.0.${200 + (index >> 7)}.${1 + (index & 127)}` },
        }),
      );
      proxies.push(proxy);
      await haproxyIsReady(proxy, statsPort);
    }
    const target = certificate === null ? { ...first, port } : { ...first, port: tlsPort, tls: true };
    return new HaproxyFleet(target, proxies, files, running);
  }

  get pids(): number[] {
    return this.#proxies.flatMap(({ pid }) => withChildren(pid));
  }

  async stop(): Promise<void> {
    // Each would wait for its tunnels.
    for (const proxy of this.#proxies) proxy.kill();
    await Promise.all(this.#proxies.map((proxy) => this.#running.stop(proxy)));
    await this.#running.stop(this.#files);
  }
}
