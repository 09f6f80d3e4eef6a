/**
 * What has to be undone when a test ends, in helpers that are also called before the first test of a file.
 */
import { onTestFinished } from 'vitest';

/** Within a test, at its end; what was begun before the first one is for `afterAll`. */
export function onEnd(run: () => Promise<unknown>): void {
  try {
    onTestFinished(async () => void (await run()));
  } catch {
    // Before the first test.
  }
}
