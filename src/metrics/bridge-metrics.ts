/**
 * The metrics of the bridge, once each: name, meaning and label values.
 */
import { Counter, Gauge, Histogram, LabelledCounter } from './counter.ts';

/** Upper bounds in seconds of the time that a frame takes from one node to another. */
const lagBounds = [0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5];

/** What a bridge counts: publications between this node and the others. */
export class BridgeMetrics {
  readonly connected = new Gauge(
    'outcry_bridge_connected',
    'Whether publications reach the other nodes (1) or not (0).',
  );
  readonly servers = new Gauge(
    'outcry_bridge_servers',
    'Redis servers over which the channels are spread: those of the setting, or the masters of the Cluster.',
  );
  readonly serversConnected = new Gauge(
    'outcry_bridge_servers_connected',
    'Those through which publications reach the other nodes, and theirs reach this one.',
  );
  readonly clusterNodes = new Gauge('outcry_cluster_nodes', 'Nodes that this one knows of, itself included.');
  readonly shardsSubscribed = new Gauge(
    'outcry_bridge_shards_subscribed',
    'Shards that Redis has confirmed this node to hear.',
  );
  readonly framesSent = new Counter(
    'outcry_bridge_frames_sent_total',
    'Frames that were handed to Redis; one command each.',
  );
  readonly publicationsSent = new Counter(
    'outcry_bridge_publications_sent_total',
    'Publications in the frames that were sent.',
  );
  readonly bytesSent = new Counter('outcry_bridge_bytes_sent_total', 'Bytes of the frames that were sent.');
  readonly publicationsDropped = new LabelledCounter(
    'outcry_bridge_publications_dropped_total',
    'Publications that could not be sent to the other nodes, by reason.',
    'reason',
    ['away', 'in_flight_limit', 'failed'],
  );
  readonly framesReceived = new Counter(
    'outcry_bridge_frames_received_total',
    'Frames that Redis delivered, those of this node included.',
  );
  readonly publicationsReceived = new Counter(
    'outcry_bridge_publications_received_total',
    'Publications of other nodes.',
  );
  readonly bytesReceived = new Counter(
    'outcry_bridge_bytes_received_total',
    'Bytes of the frames that Redis delivered.',
  );
  readonly framesRejected = new LabelledCounter(
    'outcry_bridge_frames_rejected_total',
    'Frames that were dropped as a whole, by reason.',
    'reason',
    ['malformed', 'oversized', 'unknown_version', 'wrong_shard', 'duplicate'],
  );
  readonly unknownKinds = new Counter(
    'outcry_bridge_publications_skipped_total',
    'Publications of a kind that this version does not know.',
  );
  readonly gaps = new Counter('outcry_bridge_gaps_total', 'Times that frames of another node were missing.');
  readonly framesMissed = new Counter(
    'outcry_bridge_frames_missed_total',
    'Frames of other nodes that never arrived.',
  );
  readonly possibleGaps = new Counter(
    'outcry_bridge_possible_gaps_total',
    'Times after which Redis was back and publications of other nodes may have been missed.',
  );
  readonly nodeIdConflicts = new Counter(
    'outcry_bridge_node_id_conflicts_total',
    'Other nodes that were seen with the id of this one.',
  );
  readonly subscribesDegraded = new Counter(
    'outcry_bridge_subscribes_degraded_total',
    'Subscribers that were answered although Redis had not confirmed.',
  );
  readonly lag = new Histogram(
    'outcry_bridge_lag_seconds',
    'Time from the sending node to this one, as far as their clocks agree.',
    lagBounds,
  );
}
