/**
 * Whether this node should be sent new clients. One object per node; the health routes and the handshake read it.
 */

/**
 * - `waiting`: something that it needs is not there (yet): `lacking` says what.
 * - `ready`: send clients.
 * - `stopping`: keep what is connected, send nobody new.
 */
export type ReadinessState = 'waiting' | 'ready' | 'stopping';

/** What a node may lack: its own start; Redis where it is part of a cluster, and its connection for channels with history. */
export type Need = 'start' | 'redis' | 'history';

export class Readiness {
  readonly #lacking = new Set<Need>(['start']);
  #stopping = false;

  get state(): ReadinessState {
    if (this.#stopping) return 'stopping';
    return this.#lacking.size === 0 ? 'ready' : 'waiting';
  }

  get lacking(): Need[] {
    return [...this.#lacking];
  }

  has(need: Need): void {
    this.#lacking.delete(need);
  }

  lacks(need: Need): void {
    this.#lacking.add(need);
  }

  stopping(): void {
    this.#stopping = true;
  }
}
