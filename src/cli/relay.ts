/**
 * `outcry relay`: the relay of a host with several workers, which starts it; not for people.
 *
 * It ends when its parent says so by closing the channel, or is gone, and no worker needs it any more; signals, which reach all
 * processes of a terminal or of a service, mean the workers, and the relay goes last. It takes the folder of the host with it,
 * in case nobody else could.
 */
import { rmSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import { startRelay } from '../assembly/relay.ts';
import { hostFolderPrefix } from '../assembly/workers.ts';
import type { Settings } from '../config/settings.ts';
import { createLogger } from '../logger.ts';
import { mustBeThisRuntime } from './serve.ts';
import { answerParent } from './worker.ts';

/** @param path of the socket that it listens on */
export async function relay(settings: Settings, path: string): Promise<void> {
  mustBeThisRuntime(settings);
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(signal, () => {});
  const nodeId = settings.nodeId ?? String(process.pid);
  const logger = await createLogger({ level: settings.logLevel, format: settings.logFormat, node: nodeId });
  const running = await startRelay({ settings, nodeId, logger, path });
  const orphaned = new Promise<void>((resolve) => {
    process.once('disconnect', () => {
      // What keeps it alive until the last worker has gone.
      setInterval(() => {}, 60_000);
      resolve();
    });
    if (process.connected !== true) resolve();
  });
  answerParent(null, () => running.metricsText());
  await orphaned;
  await running.stopUnused();
  const folder = dirname(path);
  if (basename(folder).startsWith(hostFolderPrefix)) rmSync(folder, { recursive: true, force: true });
}
