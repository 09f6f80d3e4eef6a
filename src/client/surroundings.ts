/**
 * What the SDK takes from where it runs: a page, a worker, Bun or Node.
 */
import { type Clock, systemClock } from './clock.ts';
import type { WebSocketConstructor } from './web-socket.ts';

export interface Surroundings {
  readonly clock: Clock;
  /** From 0 up to, and without, 1. */
  random(): number;
  /** Undefined on Node before 22. */
  readonly WebSocket: WebSocketConstructor | undefined;
  /** Where relative addresses start; undefined outside of pages. */
  readonly pageUrl: string | undefined;
  /** Calls `run` when the network is back or the page comes to the front. Returns what ends that. */
  onWake(run: () => void): () => void;
}

interface EventSource {
  addEventListener(name: string, listener: () => void): void;
  removeEventListener(name: string, listener: () => void): void;
}

/** The globals of all places; none of them has all. */
const globals = globalThis as unknown as Partial<EventSource> & {
  WebSocket?: WebSocketConstructor;
  location?: { href: string };
  document?: EventSource & { visibilityState: string };
};

export const surroundings: Surroundings = {
  clock: systemClock,
  random: Math.random,
  WebSocket: globals.WebSocket,
  pageUrl: globals.location?.href,
  onWake(run) {
    const { document } = globals;
    const onVisible = () => {
      if (document?.visibilityState === 'visible') run();
    };
    globals.addEventListener?.('online', run);
    document?.addEventListener('visibilitychange', onVisible);
    return () => {
      globals.removeEventListener?.('online', run);
      document?.removeEventListener('visibilitychange', onVisible);
    };
  },
};
