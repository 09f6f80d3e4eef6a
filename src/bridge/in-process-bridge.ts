/**
 * The bridge of a node that is alone: there is nobody to tell, so the promises hold by themselves.
 */
import type { Bridge } from './bridge.ts';
import type { Answers, Cluster } from './cluster.ts';

export class InProcessBridge implements Bridge, Cluster {
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

  carries(): boolean {
    return true;
  }

  opened(): void {}

  closed(): void {}

  represent(): void {}

  nodes(): [] {
    return [];
  }

  async ask(): Promise<Answers> {
    return { answers: [], complete: true };
  }

  async stop(): Promise<void> {}
}
