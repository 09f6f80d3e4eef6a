/**
 * `outcry serve`: runs one node until it is told to stop.
 */
import { randomBytes } from 'node:crypto';
import { hostname, totalmem } from 'node:os';
import { systemClock } from '../clock.ts';
import { advise } from '../config/advice.ts';
import type { LoadedSettings } from '../config/load-settings.ts';
import { descriptorLimit } from '../config/machine.ts';
import { UserError } from '../errors.ts';
import type { AssetFiles } from '../http/assets.ts';
import { signalHandler } from '../lifecycle/signals.ts';
import { createLogger } from '../logger.ts';
import { startNode } from '../server.ts';

/** Resolves when the node has stopped in good order. `exitNow` is called when it was told to stop a second time. */
export async function serve(
  { settings }: LoadedSettings,
  version: string,
  files: AssetFiles,
  exitNow: () => void,
): Promise<void> {
  const runtime = process.versions.bun === undefined ? 'node' : 'bun';
  if (settings.runtime !== runtime)
    throw new UserError(
      `runtime is ${settings.runtime}, but this process runs on ${runtime}: start it with the launcher, \`outcry serve\``,
    );
  // With any free port two nodes of one host would share the name; a random end tells them apart.
  const nodeId =
    settings.nodeId ??
    `${hostname()}-${settings.port === 0 ? randomBytes(3).toString('hex') : settings.port}`;
  const logger = await createLogger({ level: settings.logLevel, format: settings.logFormat, node: nodeId });
  const node = await startNode({ settings, nodeId, logger, version, files });
  // Before the line that says so: whoever reads "listening" may send a signal at once.
  const stopped = new Promise<void>((resolve, reject) => {
    const onSignal = signalHandler(systemClock, {
      stop(signal) {
        logger.info({ signal }, 'stopping');
        node.stop().then(resolve, reject);
      },
      exitNow(signal) {
        logger.warn({ signal }, 'told twice: exiting at once');
        exitNow();
      },
    });
    for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(signal, onSignal);
    // The launcher was killed: nobody could stop this node any more.
    process.once('disconnect', () => onSignal('SIGTERM'));
  });
  logger.info(
    {
      pid: process.pid,
      host: settings.host,
      port: node.port,
      adminHost: settings.adminHost,
      adminPort: node.adminPort,
    },
    `listening: open http://localhost:${node.port} in two tabs, or paste: new WebSocket('ws://localhost:${node.port}')`,
  );
  logger.info(`the dashboard is at http://${hostInUrl(settings.adminHost)}:${node.adminPort}/dashboard`);
  if (settings.redisUrl === null)
    logger.info('this node is alone: publications reach its own clients only; --redis joins it to others');
  const machine = { descriptorLimit: descriptorLimit(), memoryBytes: totalmem() };
  for (const sentence of advise(settings, machine)) logger.warn(sentence);

  await stopped;
  logger.info('stopped');
}

/** Where a browser on this machine finds an address that a listener is bound to. */
function hostInUrl(host: string): string {
  if (host === '0.0.0.0' || host === '::') return 'localhost';
  return host.includes(':') ? `[${host}]` : host;
}
