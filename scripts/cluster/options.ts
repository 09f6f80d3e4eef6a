/**
 * The command line of `npm run cluster`.
 */
import { Command, CommanderError } from 'commander';
import { UserError } from '../../src/errors.ts';
import { mostNodes } from './haproxy.ts';
import type { Runtime } from './node.ts';

/** Admin listeners are this many ports above their nodes: 9101 belongs to 9001. */
const adminOffset = 100;

/** `mixed`: the nodes alternate, Bun first. */
const runtimes = ['bun', 'node', 'mixed'] as const;

export interface ClusterOptions {
  /** `roll` replaces the nodes of the cluster that runs behind `port`. */
  order: 'run' | 'roll';
  /** HAProxy's: `http` reads the handshake (L7), `tcp` carries bytes (L4). */
  mode: 'http' | 'tcp';
  tls: boolean;
  /** Ports; 0 means any free one. */
  port: number;
  statsPort: number;
  tlsPort: number;
  /** One for each node, as the two lists of ports. */
  runtimes: Runtime[];
  nodePorts: number[];
  adminPorts: number[];
  redisPort: number;
}

const help = `
Every port may be 0: any free one. Redis always gets a free one.

Examples:
  npm run cluster                             Redis, four nodes, HAProxy on http://localhost:8080
  npm run cluster -- --l4 --nodes 2           two nodes, HAProxy in TCP mode
  npm run cluster -- --tls                    also wss://localhost:8443, with a self-made certificate
  npm run cluster -- --runtime mixed          every second node runs on Node with uWebSockets.js
  npm run cluster -- --port 80 --base-port 0  where other ports are taken
  npm run cluster -- roll                     replaces the nodes of a running cluster, one after the other

Exit codes: 0 ended on request, 1 failure, 2 wrong usage, 3 a port is taken.`;

/**
 * Returns the options, or the text to print when help was asked for.
 *
 * @param environment OUTCRY_RUNTIME is the default of --runtime, as it is for a node
 * @throws UserError for wrong usage
 */
export function parseOptions(
  args: readonly string[],
  environment: Readonly<Record<string, string | undefined>> = {},
): ClusterOptions | { help: string } {
  const most = mostNodes();
  let shown = '';
  const command = new Command('npm run cluster --')
    .argument('[order]', '`roll`: replace the nodes of the cluster on --port, one after the other')
    .description('Run a cluster on this machine until Ctrl-C: Redis, nodes, and HAProxy before them.')
    .option('--nodes <count>', `nodes, 1 to ${most}`, '4')
    .option(
      '--runtime <name>',
      `what the nodes run on: ${runtimes.join(', ')}`,
      environment.OUTCRY_RUNTIME ?? 'bun',
    )
    .option('--l4', 'HAProxy in TCP mode (haproxy-l4.cfg) instead of HTTP mode (haproxy.cfg)', false)
    .option('--tls', 'also serve wss://, with a certificate made for the occasion', false)
    .option('--port <port>', 'HAProxy', '8080')
    .option('--stats-port <port>', "HAProxy's statistics and metrics", '8404')
    .option('--tls-port <port>', 'wss://', '8443')
    .option(
      '--base-port <port>',
      `first node; the others follow, admin listeners ${adminOffset} above`,
      '9001',
    )
    .addHelpText('after', help)
    .allowExcessArguments(false)
    .configureOutput({
      writeOut: (text) => {
        shown += text;
      },
      outputError: () => {},
    })
    .exitOverride();
  try {
    command.parse(args, { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    if (error.exitCode === 0) return { help: shown };
    throw new UserError(
      `${error.message.replace(/^error: /, '')}; npm run cluster -- --help lists the flags`,
    );
  }

  const [order = 'run'] = command.args;
  if (order !== 'run' && order !== 'roll')
    throw new UserError(
      `"${order}" is not an order, only roll is; npm run cluster -- --help lists the flags`,
    );
  const given = command.opts<Record<string, string> & { l4: boolean; tls: boolean }>();
  const nodes = wholeNumber('--nodes', given.nodes, 1, most);
  const basePort = wholeNumber('--base-port', given.basePort, 0, 65_535 - adminOffset - most);
  const ports = (from: number) => Array.from({ length: nodes }, (_, at) => (basePort === 0 ? 0 : from + at));
  return {
    order,
    mode: given.l4 ? 'tcp' : 'http',
    tls: given.tls,
    port: wholeNumber('--port', given.port, 0, 65_535),
    statsPort: wholeNumber('--stats-port', given.statsPort, 0, 65_535),
    tlsPort: wholeNumber('--tls-port', given.tlsPort, 0, 65_535),
    runtimes: runtimeOfEach(given.runtime, nodes),
    nodePorts: ports(basePort),
    adminPorts: ports(basePort + adminOffset),
    redisPort: 0,
  };
}

function runtimeOfEach(given: string | undefined, nodes: number): Runtime[] {
  const chosen = runtimes.find((name) => name === given);
  if (chosen === undefined)
    throw new UserError(`--runtime: "${given}" is not allowed; it must be one of ${runtimes.join(', ')}`);
  return Array.from({ length: nodes }, (_, at) =>
    chosen === 'mixed' ? (at % 2 === 0 ? 'bun' : 'node') : chosen,
  );
}

function wholeNumber(flag: string, given: string | undefined, least: number, most: number): number {
  const number = /^\d{1,5}$/.test(given ?? '') ? Number(given) : Number.NaN;
  if (number >= least && number <= most) return number;
  throw new UserError(
    `${flag}: "${given}" is not allowed; it must be a whole number from ${least} to ${most}`,
  );
}
