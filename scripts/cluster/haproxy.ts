/**
 * HAProxy from the configurations in haproxy/, with addresses through the environment as docker-compose gives them.
 */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Child, type ChildOptions } from './child.ts';
import { executable } from './executable.ts';
import { untilReady } from './until.ts';

/** `http` reads the handshake, `tcp` carries bytes; `tls` comes behind either, `massive` before. */
const files = {
  http: 'haproxy.cfg',
  tcp: 'haproxy-l4.cfg',
  tls: 'tls.cfg',
  massive: 'massive.cfg',
} as const;

export interface HaproxyOptions {
  mode: 'http' | 'tcp';
  port: number;
  statsPort: number;
  /** Ports of the nodes on this machine; the first is `node-1`. */
  nodePorts: readonly number[];
  /** Adds wss://. */
  tls?: { port: number; certificate: string } | undefined;
  /** With what `massive.cfg` sets. */
  massive?: boolean | undefined;
  onLine?: ChildOptions['onLine'];
  /** Further variables of the configuration, like PROXY_MAXCONN. */
  env?: Readonly<Record<string, string>>;
  /** Further arguments of haproxy, like `-sf PID`. */
  args?: readonly string[];
}

/** A row of the statistics about one node in one backend. */
export interface ServerState {
  backend: string;
  server: string;
  /** `UP`, `DOWN`, `NOLB` (answers 404: keeps its clients, gets no new ones), `MAINT` (no address). */
  status: string;
  /** Of the last check: `L7OK`, `L4CON` … */
  check: string;
  /** Connections now and ever. */
  current: number;
  total: number;
}

/** Runs in the foreground with a master process: SIGUSR2 reloads, SIGUSR1 ends when the last tunnel has. */
export function spawnHaproxy(options: HaproxyOptions): Child {
  const configurations = [
    ...(options.massive ? [files.massive] : []),
    files[options.mode],
    ...(options.tls ? [files.tls] : []),
  ];
  return new Child({
    name: 'haproxy',
    file: executable('haproxy'),
    args: ['-W', '-db', ...configurations.flatMap((file) => ['-f', pathOf(file)]), ...(options.args ?? [])],
    env: environment(options),
    onLine: options.onLine,
  });
}

/** Resolves when it has asked every node and found it well. */
export function haproxyIsReady(haproxy: Child, statsPort: number): Promise<void> {
  return untilReady(haproxy, async () =>
    (await serverStates(statsPort)).every(({ status, check }) => status === 'UP' && check === 'L7OK'),
  );
}

/** Resolves when HAProxy sends clients to the node. @param node whose end ends the waiting */
export function serverIsUp(node: Child, statsPort: number, name: string): Promise<void> {
  return untilReady(node, async () =>
    (await serverStates(statsPort)).some(
      ({ backend, server, status }) => backend === 'nodes' && server === name && status === 'UP',
    ),
  );
}

/** What HAProxy thinks of each node, in each backend. */
export async function serverStates(statsPort: number): Promise<ServerState[]> {
  const csv = await (await fetch(`http://127.0.0.1:${statsPort}/;csv`)).text();
  const [header = '', ...rows] = csv.replace(/^# /, '').trim().split('\n');
  const names = header.split(',');
  return rows
    .map((row) => Object.fromEntries(row.split(',').map((value, index) => [names[index], value])))
    .filter(({ svname }) => svname !== 'FRONTEND' && svname !== 'BACKEND')
    .map((row) => ({
      backend: row.pxname ?? '',
      server: row.svname ?? '',
      status: row.status ?? '',
      check: row.check_status ?? '',
      current: Number(row.scur),
      total: Number(row.stot),
    }));
}

/** How many nodes the configurations have lines for. */
export function mostNodes(): number {
  const numbers = readFileSync(pathOf(files.http), 'utf8').matchAll(/^\s*server node-(\d+) /gm);
  return Math.max(...[...numbers].map(([, number]) => Number(number)));
}

function environment({ port, statsPort, nodePorts, tls, env }: HaproxyOptions): NodeJS.ProcessEnv {
  // A NODE_9 that somebody has in his shell would be a node of this cluster.
  const inherited = Object.entries(process.env).filter(([name]) => !/^NODE_\d+$/.test(name));
  return {
    ...Object.fromEntries(inherited),
    PROXY_HTTP: `*:${port}`,
    PROXY_STATS: `127.0.0.1:${statsPort}`,
    ...Object.fromEntries(nodePorts.map((nodePort, index) => [`NODE_${index + 1}`, `127.0.0.1:${nodePort}`])),
    ...(tls && { PROXY_TLS: `*:${tls.port}`, PROXY_CERTIFICATE: tls.certificate }),
    ...env,
  };
}

function pathOf(file: string): string {
  return fileURLToPath(new URL(`../../haproxy/${file}`, import.meta.url));
}
