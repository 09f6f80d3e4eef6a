/**
 * What the relay of a host counts.
 */
import { Counter, Gauge, LabelledCounter, type Metric } from './counter.ts';

/** Why a connection of a worker ended. */
const relayCloseReasons = [
  /** The worker closed it, or is gone. */
  'ended',
  /** It did not take what was sent to it: more than `relayMaxBytesWaiting` waited. */
  'overflow',
  /** What it sent cannot be read. */
  'malformed',
  /** It did not say who it is. */
  'silent',
] as const;
export type RelayCloseReason = (typeof relayCloseReasons)[number];

export class RelayMetrics {
  readonly connectionsOpen = new Gauge(
    'outcry_relay_connections_open',
    'Connections of workers to the relay of their host; each worker has one, and two or three for each Redis server.',
  );
  readonly connectionsClosed = new LabelledCounter(
    'outcry_relay_connections_closed_total',
    'Connections of workers to the relay that ended, by reason.',
    'reason',
    relayCloseReasons,
  );
  readonly commands = new Counter(
    'outcry_relay_commands_total',
    'What workers asked of the relay: each frame that they publish is one.',
  );
  readonly commandsFailed = new LabelledCounter(
    'outcry_relay_commands_failed_total',
    'Those that were refused, or of which nobody knows whether they were carried out.',
    'result',
    ['refused', 'failed'],
  );
  readonly messagesForwarded = new Counter(
    'outcry_relay_messages_forwarded_total',
    'Frames and beats that the relay handed to workers, counted for each worker.',
  );
  readonly bytesForwarded = new Counter('outcry_relay_forwarded_bytes_total', 'Bytes of these.');

  all(): Metric[] {
    return Object.values(this);
  }
}
