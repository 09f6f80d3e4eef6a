/**
 * Every metric of a node, once (those of bridge and histories in files of their own): name, meaning and label values. The objects are
 * the counters themselves.
 *
 * Label values are fixed lists; channel names and user ids never become labels.
 */
import { errorNames } from '../protocol/error-codes.ts';
import { BridgeMetrics } from './bridge-metrics.ts';
import { Counter, Gauge, Histogram, LabelledCounter, LabelledHistogram, type Metric } from './counter.ts';
import { gapReasons, HistoryMetrics, LatestMetrics } from './history-metrics.ts';

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
  'not_permitted',
  'full',
  'stopping',
  'busy',
  'memory',
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
  /** A native client sent a frame that cannot be read. */
  'malformed',
  /** A native client did not say connect in time. */
  'connect_timeout',
  /** A raw client published into a channel in which clients may not. */
  'not_permitted',
  /** A raw client in whose room publications may be missing, where the namespace says so. */
  'gap',
  /** An operator ended it. */
  'disconnected',
  /** A handler of ours failed. */
  'internal_error',
  /** Bytes waited for it when memory ran out. */
  'memory',
  /** This node is stopping. */
  'stopping',
] as const;
export type EndReason = (typeof endReasons)[number];

/** Routes of the API on the admin listener; `unknown` is whatever else was asked for. */
export const apiRoutes = [
  'publish',
  'counts',
  'channels',
  'channel',
  'nodes',
  'disconnect',
  'openapi',
  'unknown',
] as const;
export type ApiRoute = (typeof apiRoutes)[number];

/** Statuses that the API answers with. */
export const apiStatuses = ['200', '400', '401', '403', '404', '405', '413', '415', '429', '503'] as const;

/** Why somebody was not let in to the dashboard. */
export const dashboardRefusals = ['key', 'host', 'origin', 'handshake', 'full'] as const;

/** What is counted of those who watch the dashboard; they are not among the connections. */
export class DashboardMetrics {
  readonly viewers = new Gauge(
    'outcry_dashboard_viewers',
    'Connections of the dashboard on the admin listener that are open.',
  );
  readonly viewersOpened = new Counter(
    'outcry_dashboard_viewers_opened_total',
    'Connections of the dashboard that were opened.',
  );
  readonly viewersClosed = new LabelledCounter(
    'outcry_dashboard_viewers_closed_total',
    'Connections of the dashboard that ended, by reason.',
    'reason',
    endReasons,
  );
  readonly refused = new LabelledCounter(
    'outcry_dashboard_refused_total',
    'Requests for the dashboard that were refused, by reason.',
    'reason',
    dashboardRefusals,
  );
  readonly reports = new Counter(
    'outcry_dashboard_reports_total',
    'Times that this node told how it is, because somebody watches a dashboard on some node.',
  );
}

export class Metrics {
  readonly bridge = new BridgeMetrics();
  readonly history = new HistoryMetrics();
  readonly latest = new LatestMetrics();
  readonly dashboard = new DashboardMetrics();
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
  readonly degradedTold = new Counter(
    'outcry_degraded_told_total',
    'Times that all native clients were told that publications of other nodes do not reach them for now.',
  );
  readonly duplicatesDiscarded = new LabelledCounter(
    'outcry_duplicates_discarded_total',
    'Publications in channels without history whose idempotency key was known, so that they were not broadcast again: of clients of this node and the API, or of other nodes.',
    'from',
    ['published', 'received'],
  );
  readonly idempotencyKeysForgotten = new Counter(
    'outcry_idempotency_keys_forgotten_total',
    'Idempotency keys in channels without history that were forgotten before their time, because there were more than idempotencyMaxKeys.',
  );
  readonly payloadBytesReceived = new Counter(
    'outcry_payload_bytes_received_total',
    'Length of the payloads that clients of this node sent: bytes of binary, UTF-16 units of text.',
  );
  readonly deliveries = new Counter(
    'outcry_deliveries_total',
    'Publications times the subscribers of this node that they were sent to.',
  );
  readonly subscriptionsOpen = new Gauge(
    'outcry_subscriptions_open',
    'Channels that connections of this node have joined, raw rooms included.',
  );
  readonly framesBroadcast = new Counter(
    'outcry_frames_broadcast_total',
    'Frames that were handed to the runtime for all subscribers of a channel and codec.',
  );
  readonly framePublications = new Histogram(
    'outcry_frame_publications',
    'Publications that went out together, per channel and flush.',
    [1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000],
  );
  readonly bytesDelivered = new Counter(
    'outcry_delivered_bytes_total',
    'Length of the frames times the subscribers that they were sent to: bytes of binary, UTF-16 units of text.',
  );
  readonly flush = new Histogram(
    'outcry_flush_seconds',
    'Time that a turn of the loop took which sent what was pending; the next one waits as long.',
    [0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1],
  );
  readonly publishToWrite = new LabelledHistogram(
    'outcry_publish_to_write_seconds',
    'Time from when a node took a publication to the end of the turn of the loop that wrote it to the sockets of this one, by namespace, as far as clocks of nodes agree.',
    'namespace',
    [0.001, 0.002, 0.005, 0.01, 0.02, 0.03, 0.05, 0.075, 0.1, 0.25, 0.5, 1, 2.5, 5],
  );
  readonly loopDelay = new Histogram(
    'outcry_loop_delay_seconds',
    'How late a timer was that is due ten times a second.',
    [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5],
  );
  readonly quietMarks = new Counter(
    'outcry_quiet_marks_total',
    'Times that the last number of a channel was repeated because it fell quiet.',
  );
  readonly gapsTold = new LabelledCounter(
    'outcry_gaps_told_total',
    'Times that native subscribers of a channel were told of a possible gap, by reason.',
    'reason',
    gapReasons,
  );
  readonly errorsSent = new LabelledCounter(
    'outcry_errors_total',
    'Mistakes of native clients that were answered with an error, by its name in the protocol.',
    'error',
    errorNames,
  );
  readonly slowConsumerSweeps = new Counter(
    'outcry_slow_consumer_sweeps_total',
    'Times that all connections were looked at for bytes that wait.',
  );
  readonly slowConsumersCutOff = new Counter(
    'outcry_slow_consumers_cut_off_total',
    'Connections that get nothing more because too many bytes wait for them; they end within a second.',
  );
  readonly conflations = new Counter(
    'outcry_conflations_total',
    'Times that a slow connection was spared a channel of which only the latest values count.',
  );
  readonly roomsConflated = new Gauge(
    'outcry_rooms_conflated',
    'Channels, times the slow connections that are spared them now.',
  );
  readonly resyncs = new LabelledCounter(
    'outcry_resyncs_total',
    'Times that a connection was to be brought back to a channel that it had been spared, by result.',
    'result',
    ['done', 'failed'],
  );
  readonly handshakesTold = new Counter(
    'outcry_handshakes_told_total',
    'Clients that were refused as `busy` by a close with 1013 instead of a 503, because they could not read that.',
  );
  readonly descriptorsOpen = new Gauge(
    'outcry_descriptors_open',
    'Descriptors of the process, looked at ten times a second.',
  );
  readonly listenerPauses = new Counter(
    'outcry_listener_pauses_total',
    'Times that the public port was closed for a moment because descriptors were about to run out.',
  );
  readonly memoryStage = new Gauge(
    'outcry_memory_stage',
    'What is shed because memory runs short: 0 nothing, 1 newcomers, 2 also reads of histories, 3 also those who are furthest behind.',
  );
  readonly drainPhase = new Gauge(
    'outcry_drain_phase',
    'How far a stop has come: 0 there is none, 1 not ready and waiting to be seen so, 2 closing clients, 3 sending what the other nodes have not got yet.',
  );
  readonly drainBehind = new Gauge(
    'outcry_drain_connections_behind',
    'Connections that should be closed because the node stops, and still have to take what waits for them.',
  );
  readonly drainWaves = new Counter(
    'outcry_drain_waves_total',
    'Tenths of the window over which a node that stops closes its clients.',
  );
  readonly apiRequestsOpen = new Gauge('outcry_api_requests_open', 'Requests to the API that are under way.');
  readonly apiRequests = new LabelledCounter(
    'outcry_api_requests_total',
    'Requests to the API, by route.',
    'route',
    apiRoutes,
  );
  readonly apiReplies = new LabelledCounter(
    'outcry_api_replies_total',
    'Answers of the API, by status.',
    'status',
    apiStatuses,
  );
  readonly apiErrors = new LabelledCounter(
    'outcry_api_errors_total',
    'Requests and lines that the API refused, by the name of the error in the protocol.',
    'error',
    errorNames,
  );
  readonly apiPublications = new Counter(
    'outcry_api_publications_total',
    'Publications that came in through the API.',
  );
  readonly handlerErrors = new LabelledCounter(
    'outcry_handler_errors_total',
    'Exceptions that a handler threw; each is a bug.',
    'where',
    ['request', 'session', 'flush'],
  );

  /** All of them, those of bridge, history, latest values and dashboard included. */
  all(): Metric[] {
    const { bridge, history, latest, dashboard, ...own } = this;
    return [own, bridge, history, latest, dashboard].flatMap((metrics): Metric[] => Object.values(metrics));
  }
}
