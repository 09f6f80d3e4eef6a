/**
 * The bridge of a node that is alone: there is nobody to tell, so the promises hold by themselves.
 */
import type { Bridge } from './bridge.ts';

export class InProcessBridge implements Bridge {
  start(): void {}

  publish(): void {}

  async stop(): Promise<void> {}
}
