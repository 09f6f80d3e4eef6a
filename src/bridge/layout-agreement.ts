/**
 * The agreement of a cluster on how channels are laid out: whoever comes first writes it down in Redis, everybody after that
 * must have the same. Nodes that differ would miss each other's publications without a sign.
 */
import type { QuietLog } from './quiet-log.ts';

export interface LayoutAgreementOptions {
  /** Of this node. */
  layout: string;
  /** Where it is written down. */
  key: string;
  /** Stores `value` under `key` unless the key exists; resolves with what is stored then. */
  settle(key: string, value: string): Promise<string>;
  log: QuietLog;
}

export class LayoutAgreement {
  readonly #options: LayoutAgreementOptions;
  #holds = false;

  constructor(options: LayoutAgreementOptions) {
    this.#options = options;
  }

  /** Whether the layout in Redis is known to be that of this node. */
  get holds(): boolean {
    return this.#holds;
  }

  /** The connection is gone: what the next one leads to may hold another agreement. */
  forget(): void {
    this.#holds = false;
  }

  /** Agrees, or says in the log why not. Never rejects. */
  async settle(): Promise<void> {
    const { layout: ours, key, settle, log } = this.#options;
    try {
      const theirs = await settle(key, ours);
      this.#holds = theirs === ours;
      if (this.#holds) return;
      log.news(
        'error',
        { ours, theirs, key },
        'the cluster under this prefix is laid out differently: use its redisShards, or another redisPrefix',
      );
    } catch (error) {
      log.trouble(
        'warn',
        { reason: (error as Error).message },
        'Redis did not tell the layout of the cluster',
      );
    }
  }
}
