/**
 * The contract between the relay of a host and what stands behind it: one or several places of Redis, or nothing, where the
 * relay is all there is.
 */
import type { ReadValue, WireValue } from '../protocol/relay-frame.ts';
import type { ServerIdentity } from './broker.ts';
import type { RelayedPlace } from './relayed-place.ts';

/** What connections of workers to one place are for. */
export type UpstreamRole = 'bridge' | 'history';

export interface RelayUpstreamEvents {
  /** What `identity` says of a role is another than before. With that of the bridge everything that was subscribed is gone. */
  changed(role: UpstreamRole, why: string): void;
  /** A message for every worker that has subscribed to the channel, but not for those with this boot id. */
  message(channel: string, bytes: Uint8Array, except: string | null): void;
}

/** One place. */
export interface RelayUpstream {
  readonly place: RelayedPlace;
  /** Called once, before everything else. */
  start(events: RelayUpstreamEvents): void;
  /** The server that commands of a role go to; null while there is none. */
  identity(role: UpstreamRole): ServerIdentity | null;
  /**
   * Takes a message to all nodes.
   *
   * @param from boot id of the worker
   */
  publish(channel: string, bytes: Buffer, from: string): Promise<void>;
  /** Resolve when it is confirmed. */
  subscribe(channels: readonly string[]): Promise<void>;
  unsubscribe(channels: readonly string[]): Promise<void>;
  identify(role: UpstreamRole): Promise<ServerIdentity>;
  settle(key: string, value: string): Promise<string>;
  /** Runs a script of ours that is known by its sha1. */
  run(sha1: string, keys: readonly string[], args: readonly (string | Buffer)[]): Promise<WireValue>;
  /** Asks the history that is kept here, if one is. */
  askHistory(question: readonly ReadValue[]): Promise<WireValue>;
}

/** All places; in a Redis Cluster they change. */
export interface RelayUpstreams {
  /** Calls `onChange` when they are known, and when they have changed; one that is as it was is the same object. */
  start(onChange: (upstreams: readonly RelayUpstream[]) => void): void;
  stop(): Promise<void>;
}

/** Something was not carried out, and would not be the next time; named as the Redis client names it (`isRefusal`). */
export function refusal(message: string): Error {
  const error = new Error(message);
  error.name = 'ReplyError';
  return error;
}
