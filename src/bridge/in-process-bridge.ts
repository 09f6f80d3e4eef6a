/**
 * The bridge of a node that is alone: there is nobody to tell, so the promises hold by themselves.
 */
import type { Bridge } from './bridge.ts';

export class InProcessBridge implements Bridge {
  readonly state = 'connected';

  start(): void {}

  publish(): void {}

  publishConfirmed(): 'confirmed' {
    return 'confirmed';
  }

  prepare(): boolean {
    return true;
  }

  reaches(): boolean {
    return true;
  }

  opened(): void {}

  closed(): void {}

  async stop(): Promise<void> {}
}
