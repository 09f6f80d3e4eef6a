/**
 * Everything that must not outlive the benchmark: processes and folders, stopped in reverse order however it ends.
 */

export interface Stoppable {
  /** May be called more than once. */
  stop(): Promise<unknown> | undefined;
}

export class Running {
  readonly #things = new Set<Stoppable>();
  #ended = false;

  /** From now on it ends with the benchmark at the latest. */
  add<T extends Stoppable>(thing: T): T {
    this.#things.add(thing);
    // Ctrl-C came while it was being started.
    if (this.#ended) void thing.stop();
    return thing;
  }

  async stop(thing: Stoppable): Promise<void> {
    await thing.stop();
    this.#things.delete(thing);
  }

  /** Nothing is left running after this, and nothing added later stays. */
  async stopAll(): Promise<void> {
    this.#ended = true;
    for (const thing of [...this.#things].reverse()) await this.stop(thing);
  }
}
