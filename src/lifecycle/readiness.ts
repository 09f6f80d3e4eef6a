/**
 * Whether this node should be sent new clients, and whether it takes them. One object per node; the health routes, the
 * handshake and the beats read it.
 */

/**
 * - `waiting`: something that it needs is not there (yet): `lacking` says what.
 * - `ready`: send clients.
 * - `stopping`: keep what is connected, send nobody new. It goes on taking who comes until `close`, because load balancers
 *   need a while to see it.
 */
export type ReadinessState = 'waiting' | 'ready' | 'stopping';

/**
 * What a node may lack: its own start; Redis where it is part of a cluster, the relay where it is one of several workers
 * without Redis; and its connection for channels with history.
 */
export type Need = 'start' | 'redis' | 'relay' | 'history';

export class Readiness {
  readonly #lacking = new Set<Need>(['start']);
  #stopping = false;
  #closed = false;

  get state(): ReadinessState {
    if (this.#stopping) return 'stopping';
    return this.#lacking.size === 0 ? 'ready' : 'waiting';
  }

  get lacking(): Need[] {
    return [...this.#lacking];
  }

  /** Nobody who comes is taken any more. */
  get closed(): boolean {
    return this.#closed;
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

  /** After `stopping`. */
  close(): void {
    this.#closed = true;
  }
}
