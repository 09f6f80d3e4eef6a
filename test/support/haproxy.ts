/**
 * HAProxy for a test, on free ports, from the configurations that operators use.
 */
import {
  type HaproxyOptions,
  haproxyIsReady,
  type ServerState,
  serverStates,
  spawnHaproxy,
} from '../../scripts/cluster/haproxy.ts';
import { freePorts } from '../../scripts/cluster/ports.ts';
import { until } from './until.ts';

export interface TestHaproxy {
  readonly port: number;
  readonly tlsPort: number;
  readonly statsPort: number;
  /** `ws://127.0.0.1:<port>` */
  readonly url: string;
  readonly running: boolean;
  /** Resolves with the exit code. */
  readonly exited: Promise<number>;
  /** What it thinks of a node, in the backend `nodes` unless another is named. */
  server(name: string, backend?: string): Promise<ServerState>;
  /** Resolves when it thinks that; fails after ten seconds. */
  untilStatus(name: string, status: string): Promise<void>;
  /** Resolves when a node has so many connections. */
  untilCurrent(name: string, connections: number): Promise<void>;
  /** Resolves when it has printed a line like this; fails after ten seconds. */
  untilLogged(pattern: RegExp): Promise<void>;
  /**
   * Starts another one with the same options that takes over the ports, as a reload does.
   *
   * @param when it resolves: when every node has been found well, or when it runs, whatever the nodes are
   */
  takenOver(when?: 'nodes are well' | 'it runs'): Promise<TestHaproxy>;
  signal(signal: NodeJS.Signals): void;
  stop(): Promise<void>;
}

export type TestHaproxyOptions = Pick<HaproxyOptions, 'mode' | 'nodePorts' | 'env' | 'massive'> & {
  /** PEM file; adds wss:// on `tlsPort`. */
  certificate?: string;
};

/** Resolves when it has found every node well. */
export async function startHaproxy(options: TestHaproxyOptions): Promise<TestHaproxy> {
  const [port, statsPort, tlsPort] = (await freePorts(3)) as [number, number, number];
  const { certificate } = options;
  return await start({
    ...options,
    port,
    statsPort,
    tls: certificate === undefined ? undefined : { port: tlsPort, certificate },
  });
}

async function start(
  options: HaproxyOptions,
  when: 'nodes are well' | 'it runs' = 'nodes are well',
): Promise<TestHaproxy> {
  const logs: string[] = [];
  const child = spawnHaproxy({ ...options, onLine: (line) => logs.push(line) });
  const { port, statsPort, tls } = options;
  const untilLogged = async (pattern: RegExp) => {
    await until(
      () => logs,
      (lines) => lines.some((line) => pattern.test(line)),
      { what: `${pattern}` },
    );
  };
  try {
    // The one before it would answer as well.
    if (when === 'it runs') await untilLogged(/Loading success/);
    else await haproxyIsReady(child, statsPort);
  } catch (error) {
    await child.stop();
    throw error;
  }
  const server = async (name: string, backend = 'nodes') => {
    const states = await serverStates(statsPort);
    const found = states.find((state) => state.server === name && state.backend === backend);
    if (found === undefined) throw new Error(`no ${name} in ${JSON.stringify(states)}`);
    return found;
  };
  return {
    port,
    tlsPort: tls?.port ?? 0,
    statsPort,
    url: `ws://127.0.0.1:${port}`,
    get running() {
      return child.running;
    },
    exited: child.exited,
    server,
    async untilStatus(name, wanted) {
      await until(
        () => server(name),
        ({ status }) => status === wanted,
        { what: `${name} ${wanted}` },
      );
    },
    async untilCurrent(name, connections) {
      await until(
        () => server(name),
        ({ current }) => current === connections,
        { what: `${connections} connections on ${name}` },
      );
    },
    untilLogged,
    takenOver: (then) => start({ ...options, args: ['-sf', `${child.pid}`] }, then),
    signal: (signal) => child.signal(signal),
    async stop() {
      await child.stop({ graceMs: 2_000 });
    },
  };
}
