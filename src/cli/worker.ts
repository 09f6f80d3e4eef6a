/**
 * `outcry worker`: one of several workers of a host, which starts it; not for people.
 */
import type { Settings } from '../config/settings.ts';
import type { AssetFiles } from '../http/assets.ts';
import type { ChildMessage, MetricsQuestion } from '../lifecycle/child-messages.ts';
import { createLogger } from '../logger.ts';
import { startNode } from '../server.ts';
import { mustBeThisRuntime, whenStopped } from './serve.ts';

export interface WorkerOptions {
  settings: Settings;
  /** Of the socket of the relay. */
  relayPath: string;
  version: string;
  files: AssetFiles;
  exitNow(): void;
}

/** Resolves when it has stopped in good order. */
export async function work({ settings, relayPath, version, files, exitNow }: WorkerOptions): Promise<void> {
  mustBeThisRuntime(settings);
  const nodeId = settings.nodeId ?? String(process.pid);
  const logger = await createLogger({ level: settings.logLevel, format: settings.logFormat, node: nodeId });
  const node = await startNode({ settings, nodeId, logger, version, files, relayPath });
  const stopped = whenStopped(logger, { stop: (how) => node.stop(how), exitNow });
  answerParent(node.adminPort, () => node.metricsText());
  await stopped;
}

/** Tells the host that this process can work, and answers what it asks. */
export function answerParent(adminPort: number | null, metricsText: () => Promise<string>): void {
  const tell = (message: ChildMessage) => process.send?.(message);
  process.on('message', ({ id }: MetricsQuestion) => {
    // The host may be gone by then.
    void metricsText().then((text) => process.connected && tell({ type: 'metrics', id, text }));
  });
  tell({ type: 'listening', adminPort });
}
