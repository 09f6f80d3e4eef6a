/**
 * What the history over Redis needs of a connection; who dials it is decided above (`bridge/redis-connection.ts`).
 */
import type { RedisScript } from './redis-script.ts';

export interface RedisLink {
  /** Whether commands may be sent. */
  readonly ready: boolean;
  /** Bytes of commands that Redis has not answered. */
  readonly bytesInFlight: number;
  /**
   * Runs a script; bytes in the reply are Buffers. Rejects when Redis refuses, does not answer in time, or the connection
   * ends; nothing is sent twice. Call it only while ready.
   */
  run(script: RedisScript, keys: readonly string[], args: readonly (string | Buffer)[]): Promise<unknown>;
  /** Drops the connection and dials again, with a new look at where the master is. */
  reconnect(): void;
  /** Ends it for good. */
  end(): void;
}

export interface RedisLinkEvents {
  /** Ready for commands, perhaps on another server than before. Called after each (re)connect. */
  onReady(): void;
  /** It was ready and is not any more. */
  onLost(): void;
}

export type DialRedis = (events: RedisLinkEvents) => RedisLink;

/** Refusals that pass by themselves, or on another server. */
const passing = ['LOADING', 'BUSY', 'TRYAGAIN', 'ASK', 'CLUSTERDOWN', 'NOREPLICAS'];
/** Refusals that say that this is not the master of these keys. */
const elsewhere = ['READONLY', 'MASTERDOWN', 'MOVED'];

/**
 * - `passes`: not carried out; another attempt may help.
 * - `elsewhere`: likewise, but not on this server.
 * - `final`: not carried out, and it would not be the next time.
 * - `lost`: nobody knows whether it was or will be carried out.
 */
export type Failure = 'passes' | 'elsewhere' | 'final' | 'lost';

/** What a command came to that was rejected. An answer that is an error begins with its code. */
export function failureOf(error: unknown): Failure {
  if (!(error instanceof Error) || error.name !== 'ReplyError') return 'lost';
  const code = error.message.slice(0, error.message.indexOf(' '));
  if (elsewhere.includes(code)) return 'elsewhere';
  return passing.includes(code) ? 'passes' : 'final';
}
