/**
 * The metrics of channels that keep something, their histories and latest values, once each: name, meaning and label values.
 */
import { Counter, Gauge, LabelledCounter } from './counter.ts';

/** Why native subscribers are told of a possible gap, as in the protocol. */
export const gapReasons = ['bridge', 'bridge_away', 'epoch_changed', 'not_kept', 'healed'] as const;

/** What became of those who asked what they have missed, as in the protocol. */
export const recoveryResults = [
  'recovered',
  'epoch_changed',
  'not_kept',
  'ahead',
  'interrupted',
  'unavailable',
  'too_much',
  'no_history',
] as const;

/** What a history counts. */
export class HistoryMetrics {
  readonly batchesAppended = new Counter(
    'outcry_history_batches_appended_total',
    'Batches that Redis has appended to histories; one command each.',
  );
  readonly publicationsAppended = new Counter(
    'outcry_history_publications_appended_total',
    'Publications that were appended to histories.',
  );
  readonly publicationsNotAppended = new LabelledCounter(
    'outcry_history_publications_not_appended_total',
    'Publications that were not appended, or of which nobody knows whether they were, by reason.',
    'reason',
    ['away', 'waiting_limit', 'too_many_keys', 'failed', 'unknown'],
  );
  readonly appendRetries = new Counter(
    'outcry_history_append_retries_total',
    'Times that a batch was tried again.',
  );
  readonly claimsChanged = new Counter(
    'outcry_history_claims_changed_total',
    'Times that a shard was found with another generation than before: its positions are void.',
  );
  readonly reads = new Counter('outcry_history_reads_total', 'Times that a history was asked.');
  readonly readsFailed = new Counter(
    'outcry_history_reads_failed_total',
    'Times that a history could not answer.',
  );
  readonly entriesRejected = new Counter(
    'outcry_history_entries_rejected_total',
    'Entries in histories that were not what a node writes.',
  );
  readonly framesReceived = new Counter(
    'outcry_history_frames_received_total',
    'Frames of channels with history that Redis delivered.',
  );
  readonly framesRejected = new LabelledCounter(
    'outcry_history_frames_rejected_total',
    'Frames of channels with history that were dropped as a whole, by reason.',
    'reason',
    ['malformed', 'wrong_shard'],
  );
  readonly batchesRejected = new Counter(
    'outcry_history_batches_rejected_total',
    'Batches that were handed to this node and are not what the history holds.',
  );
  readonly plainDropped = new Counter(
    'outcry_history_plain_publications_dropped_total',
    'Publications of nodes for which the channel has no history: its namespace must be set alike on all nodes.',
  );
  readonly heals = new LabelledCounter(
    'outcry_history_heals_total',
    'Times that a channel was compared with its history, by what that found.',
    'result',
    ['nothing_missing', 'healed', 'gap', 'snapshot', 'unavailable'],
  );
  readonly publicationsHealed = new Counter(
    'outcry_history_publications_healed_total',
    'Publications that were missing on this node and were fetched from the history.',
  );
  readonly recoveries = new LabelledCounter(
    'outcry_history_recoveries_total',
    'Channels in which a client asked for what it has missed, by result.',
    'result',
    recoveryResults,
  );
  readonly publicationsRecovered = new Counter(
    'outcry_history_publications_recovered_total',
    'Publications that were sent to clients because they had missed them or asked for the last ones.',
  );
  readonly recoveriesOpen = new Gauge(
    'outcry_history_recoveries_open',
    'Subscribes that read the history now or wait for their turn.',
  );
  readonly readsShared = new Counter(
    'outcry_history_reads_shared_total',
    'Reads that were answered together with others.',
  );
  readonly tailBytes = new Gauge(
    'outcry_history_tail_bytes',
    'Bytes of the latest publications that this node keeps for those who come back.',
  );
}

/** Why clients get a snapshot: they subscribe, or what they have is replaced, as in the protocol. */
const snapshotReasons = ['subscribed', 'conflated', 'epoch_changed', 'not_kept'] as const;

/** What is counted of channels that keep the latest values. */
export class LatestMetrics {
  readonly keys = new Gauge(
    'outcry_latest_keys',
    'Keys whose latest values this node has at hand for those who subscribe.',
  );
  readonly bytes = new Gauge('outcry_latest_bytes', 'Bytes of these keys and values.');
  readonly snapshotsSent = new LabelledCounter(
    'outcry_snapshots_sent_total',
    'Snapshots of the latest values that were sent to one client, or for the last two reasons to all of a channel.',
    'reason',
    snapshotReasons,
  );
  readonly publicationsSent = new Counter(
    'outcry_snapshot_publications_total',
    'Publications in the snapshots that were sent.',
  );
  readonly snapshotsRefused = new LabelledCounter(
    'outcry_snapshots_refused_total',
    'Snapshots that a client did not get: the history could not be asked, or more than may wait for one client.',
    'reason',
    ['unavailable', 'too_much'],
  );
}
