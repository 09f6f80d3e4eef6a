/**
 * Every metric of a node, once: name, meaning and label values. The objects are the counters themselves.
 *
 * Label values are fixed lists; channel names and user ids never become labels.
 */
import { Counter, Gauge, LabelledCounter } from './counter.ts';

/** Why a request for a WebSocket was refused; the status of each is in `http/handshake-guard.ts`. */
export const refusalReasons = [
  'method',
  'url_too_long',
  'headers_too_large',
  'malformed',
  'version',
  'origin',
  'subprotocol',
  'path',
  'full',
  'stopping',
] as const;
export type RefusalReason = (typeof refusalReasons)[number];

/** Why a connection ended. */
export const endReasons = [
  /** The client closed it, or went away with a close frame. */
  'client',
  /** The transport ended without a close frame, or the peer is gone. */
  'abnormal',
  /** The client did not read as fast as the channel spoke. */
  'slow_consumer',
  /** Nothing arrived for `idleTimeoutMs`, not even answers to pings. */
  'liveness_timeout',
  /** Too many pings or pongs. */
  'control_flood',
  /** A message above `maxPayloadBytes`. */
  'message_too_big',
  /** The peer broke RFC 6455. */
  'protocol_error',
  /** A handler of ours failed. */
  'internal_error',
  /** This node is stopping. */
  'stopping',
] as const;
export type EndReason = (typeof endReasons)[number];

export class Metrics {
  readonly connectionsOpen = new Gauge('outcry_connections_open', 'WebSockets that are open.');
  readonly connectionsOpened = new Counter('outcry_connections_opened_total', 'WebSockets that were opened.');
  readonly connectionsClosed = new LabelledCounter(
    'outcry_connections_closed_total',
    'WebSockets that ended, by reason.',
    'reason',
    endReasons,
  );
  readonly handshakesRefused = new LabelledCounter(
    'outcry_handshakes_refused_total',
    'Requests for a WebSocket that were refused, by reason.',
    'reason',
    refusalReasons,
  );
  readonly requestsRefused = new LabelledCounter(
    'outcry_requests_refused_total',
    'Plain HTTP requests that were refused before any route saw them, by reason.',
    'reason',
    ['url_too_long', 'headers_too_large'],
  );
  readonly channelsOpen = new Gauge('outcry_channels_open', 'Channels with a subscriber on this node.');
  readonly publicationsReceived = new Counter(
    'outcry_publications_received_total',
    'Publications that clients of this node sent.',
  );
  readonly payloadBytesReceived = new Counter(
    'outcry_payload_bytes_received_total',
    'Length of the payloads that clients of this node sent: bytes of binary, UTF-16 units of text.',
  );
  readonly deliveries = new Counter(
    'outcry_deliveries_total',
    'Publications times the subscribers of this node that they were sent to.',
  );
  readonly slowConsumerSweeps = new Counter(
    'outcry_slow_consumer_sweeps_total',
    'Times that all connections were looked at for bytes that wait.',
  );
  readonly handlerErrors = new LabelledCounter(
    'outcry_handler_errors_total',
    'Exceptions that a handler threw; each is a bug.',
    'where',
    ['request', 'session'],
  );
}
