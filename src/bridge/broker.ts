/**
 * The contract between the bridge and what carries its frames: Redis, or the relay of this host that stands in front of it.
 *
 * A connection promises:
 *
 * - **State.** It is ready or not, and says so; it finds its way back by itself. What was under way when it was lost is lost,
 *   nothing is sent twice, and no subscription outlives it.
 * - **Order.** What is published on one connection reaches every subscriber in the order of the calls.
 * - **Bounds.** It queues nothing while it is not ready, and counts the bytes for which an answer is owed; who publishes
 *   more than he wants to wait for looks at them.
 */

/** Which server a connection leads to, and what that server thinks it is. */
export interface ServerIdentity {
  /** Random, new at each start of the server (`INFO server`). */
  runId: string;
  /** `master`, `slave` or `sentinel` (`ROLE`). */
  role: string;
}

export interface BrokerEvents {
  /** Ready for commands, on this server. Called after each (re)connect. */
  onReady(identity: ServerIdentity): void;
  /** It was ready and is not any more. */
  onLost(): void;
  /** Why dialling or a connection failed, for the log; never holds a password. */
  onError(message: string): void;
  /** A message on a subscribed channel. The bytes may be kept. */
  onMessage(channel: string, bytes: Buffer): void;
}

export interface BrokerConnection {
  readonly ready: boolean;
  /** Bytes of publications that were not answered. */
  readonly bytesInFlight: number;
  /** Publishes; rejects when it is refused, not answered in time, or the connection ends. Call it only while ready. */
  publish(channel: string, bytes: Buffer): Promise<void>;
  subscribe(channels: readonly string[]): Promise<void>;
  unsubscribe(channels: readonly string[]): Promise<void>;
  identify(): Promise<ServerIdentity>;
  /** Stores `value` under `key` unless the key exists; returns what is stored then. */
  settle(key: string, value: string): Promise<string>;
  /** Drops the connection and dials again, with a new look at where the master is. */
  reconnect(): void;
  /** Ends it for good. */
  end(): void;
}

export interface Broker {
  /** As sentences of the log name it. */
  readonly name: string;
  /** Its address may come to lead elsewhere, and the connections that lead there now do not show it. */
  readonly mayMove: boolean;
  /** @param name shown to whoever looks at its connections; without spaces */
  dial(name: string, events: BrokerEvents): BrokerConnection;
  /** Looks at where the address leads now. */
  look(name: string): Promise<ServerIdentity>;
  /** Calls `onMoved` when somebody says that its address leads elsewhere now, and returns what ends that; absent where nobody says it. */
  readonly watch?: (name: string, onMoved: () => void) => () => void;
}

/** True for an answer that is an error: the command is settled, and was not carried out. */
export function isRefusal(error: unknown): boolean {
  return error instanceof Error && error.name === 'ReplyError';
}
