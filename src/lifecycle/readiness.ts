/**
 * Whether this node should be sent new clients. One object per node; the health routes and the handshake read it.
 */

/**
 * - `starting`: not listening yet, or something that it needs is away.
 * - `ready`: send clients.
 * - `stopping`: keep what is connected, send nobody new.
 */
export type ReadinessState = 'starting' | 'ready' | 'stopping';

export class Readiness {
  #state: ReadinessState = 'starting';

  get state(): ReadinessState {
    return this.#state;
  }

  ready(): void {
    if (this.#state === 'starting') this.#state = 'ready';
  }

  stopping(): void {
    this.#state = 'stopping';
  }
}
