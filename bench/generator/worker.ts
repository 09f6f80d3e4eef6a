/**
 * A worker process of the generator, with answers as promises.
 */
import { fileURLToPath } from 'node:url';

export class Worker<To extends object, From extends { type: string }> {
  readonly #process: Bun.Subprocess;
  readonly #waiting: { type: string; resolve(message: From): void; reject(error: Error): void }[] = [];
  readonly #onProgress: (message: From) => void;

  /** @param file beside this one */
  constructor(file: string, onProgress: (message: From) => void = () => {}) {
    this.#onProgress = onProgress;
    this.#process = Bun.spawn([process.execPath, fileURLToPath(new URL(file, import.meta.url))], {
      stdio: ['ignore', 'inherit', 'inherit'],
      ipc: (message: From) => this.#received(message),
      onExit: (_process, code) => this.#fail(new Error(`${file} ended with ${code}`)),
    });
  }

  get pid(): number {
    return this.#process.pid;
  }

  /** Sends an order and resolves with the answer of that type. */
  ask<Type extends From['type']>(order: To, type: Type): Promise<Extract<From, { type: Type }>> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ type, resolve: resolve as (message: From) => void, reject });
      this.#process.send(order);
    });
  }

  async end(): Promise<void> {
    this.#process.kill('SIGKILL'); // It keeps nothing, and one that is stopped would not hear anything else.
    await this.#process.exited;
  }

  #received(message: From): void {
    if (message.type === 'failed') {
      this.#fail(new Error((message as unknown as { reason: string }).reason));
      return;
    }
    const index = this.#waiting.findIndex(({ type }) => type === message.type);
    if (index === -1) this.#onProgress(message);
    else this.#waiting.splice(index, 1)[0]?.resolve(message);
  }

  #fail(error: Error): void {
    for (const { reject } of this.#waiting.splice(0)) reject(error);
  }
}
