/**
 * Ctrl-C, and whatever else ends a command early: nothing that it has started is left running.
 */
import { constants } from 'node:os';
import type { Running } from './running.ts';

/** Stops everything at the first signal and exits. Returns whether that has begun. */
export function stopWhenInterrupted(running: Running): () => boolean {
  let interrupted = false;
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
    process.on(signal, async () => {
      if (interrupted) return;
      interrupted = true;
      process.stderr.write('\nstopping what was started\n');
      await running.stopAll();
      process.exit(128 + constants.signals[signal]);
    });
  return () => interrupted;
}
