/**
 * `outcry serve`: runs one node, or a host of several workers, until it is told to stop.
 */
import { randomBytes } from 'node:crypto';
import { hostname, totalmem } from 'node:os';
import { type OwnProgram, startWorkers, type Workers } from '../assembly/workers.ts';
import { systemClock } from '../clock.ts';
import { advise } from '../config/advice.ts';
import type { LoadedSettings } from '../config/load-settings.ts';
import { descriptorLimit, workersOf } from '../config/machine.ts';
import type { Settings } from '../config/settings.ts';
import { UserError } from '../errors.ts';
import type { AssetFiles } from '../http/assets.ts';
import { signalHandler } from '../lifecycle/signals.ts';
import { createLogger, type Logger } from '../logger.ts';
import { startNode } from '../server.ts';

export interface ServeOptions {
  loaded: LoadedSettings;
  version: string;
  files: AssetFiles;
  /** How more processes of this program are started. */
  program: OwnProgram;
  /** Called when it was told to stop a second time. */
  exitNow(): void;
}

/** Resolves when everything has stopped in good order. */
export async function serve(options: ServeOptions): Promise<void> {
  const { settings } = options.loaded;
  mustBeThisRuntime(settings);
  // With any free port two nodes of one host would share the name; a random end tells them apart.
  const nodeId =
    settings.nodeId ??
    `${hostname()}-${settings.port === 0 ? randomBytes(3).toString('hex') : settings.port}`;
  const logger = await createLogger({ level: settings.logLevel, format: settings.logFormat, node: nodeId });
  const count = workersOf(settings);
  if (count === 1) await serveNode(options, nodeId, logger);
  else await serveHost(options, { count, nodeId, logger });
  logger.info('stopped');
}

/** @throws UserError */
export function mustBeThisRuntime({ runtime: wanted }: Settings): void {
  const runtime = process.versions.bun === undefined ? 'node' : 'bun';
  if (wanted === runtime) return;
  throw new UserError(
    `runtime is ${wanted}, but this process runs on ${runtime}: start it with the launcher, \`outcry serve\``,
  );
}

/** Stops something with the first signal, and ends at once with the second; resolves when it has stopped. */
export function whenStopped(
  logger: Logger,
  actions: { stop(how: { atOnce: boolean }): Promise<void>; exitNow(): void },
): Promise<void> {
  return new Promise<void>((resolve, reject) => {
    const onSignal = signalHandler(systemClock, {
      stop(signal) {
        logger.info({ signal }, 'stopping');
        // Ctrl-C: somebody waits, and nobody replaces this node.
        actions.stop({ atOnce: signal === 'SIGINT' }).then(resolve, reject);
      },
      exitNow(signal) {
        logger.warn({ signal }, 'told twice: exiting at once');
        actions.exitNow();
      },
    });
    for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(signal, onSignal);
    // Whoever started this process was killed: nobody could stop it any more.
    process.once('disconnect', () => onSignal('SIGTERM'));
  });
}

async function serveNode(
  { loaded: { settings }, version, files, exitNow }: ServeOptions,
  nodeId: string,
  logger: Logger,
): Promise<void> {
  const node = await startNode({ settings, nodeId, logger, version, files, relayPath: null });
  // Before the line that says so: whoever reads "listening" may send a signal at once.
  const stopped = whenStopped(logger, { stop: (how) => node.stop(how), exitNow });
  sayListening(logger, settings, node);
  if (settings.redisUrl === null)
    logger.info('this node is alone: publications reach its own clients only; --redis joins it to others');
  await stopped;
}

async function serveHost(
  { loaded, program, exitNow }: ServeOptions,
  { count, nodeId, logger }: { count: number; nodeId: string; logger: Logger },
): Promise<void> {
  const { settings } = loaded;
  if (process.platform !== 'linux')
    throw new UserError('several workers share a port, which works on Linux only: set workers to 1');
  const workers: Workers = await startWorkers({ loaded, count, nodeId, logger, program });
  const stopped = whenStopped(logger, {
    stop: (how) => workers.stop(how),
    exitNow() {
      workers.kill();
      exitNow();
    },
  });
  const adminPort = await Promise.race([workers.listening, stopped]);
  if (adminPort === undefined) return;
  sayListening(logger, settings, { port: workers.port, adminPort }, { workers: count });
  if (settings.redisUrl === null)
    logger.info('the workers of this host are alone: --redis joins them to other hosts');
  await stopped;
}

function sayListening(
  logger: Logger,
  settings: Settings,
  { port, adminPort }: { port: number; adminPort: number },
  more: object = {},
): void {
  const { host, adminHost } = settings;
  logger.info(
    { pid: process.pid, host, port, adminHost, adminPort, ...more },
    `listening: open http://localhost:${port} in two tabs, or paste: new WebSocket('ws://localhost:${port}')`,
  );
  logger.info(`the dashboard is at http://${hostInUrl(adminHost)}:${adminPort}/dashboard`);
  const machine = { descriptorLimit: descriptorLimit(), memoryBytes: totalmem() };
  for (const sentence of advise(settings, machine)) logger.warn(sentence);
}

/** Where a browser on this machine finds an address that a listener is bound to. */
function hostInUrl(host: string): string {
  if (host === '0.0.0.0' || host === '::') return 'localhost';
  return host.includes(':') ? `[${host}]` : host;
}
