/**
 * The beat: once a second each node tells all others that it is there, on which Redis, and how far it has counted.
 *
 *     [version, bootId, nodeId, runId, sentAt, [shard, sequence, shard, sequence, …], [connections, channels, subscriptions, state, viewers]]
 *
 * Like a frame, the arrays may grow. The sequences are the last ones that were taken per shard, so that the loss of the
 * last frame before a silence is noticed too. `runId` is the Redis server that the beat was published on. The last element
 * counts what is on the node and says whether it is ready; it is absent where a node does not tell.
 */
import { Malformed } from './malformed.ts';
import { MsgpackReader } from './msgpack-reader.ts';
import { MsgpackWriter } from './msgpack-writer.ts';

export const beatVersion = 1;

/** More shards than a cluster may have. */
const maxShards = 4_096;
const maxIdBytes = 256;

/** Whether a node takes clients, as its health route says. Their places are what travels. */
export const nodeStates = ['ready', 'waiting', 'stopping'] as const;
export type NodeState = (typeof nodeStates)[number];

export interface Beat {
  bootId: string;
  nodeId: string;
  runId: string;
  sentAt: number;
  /** Last sequence by shard; shards that never sent are absent. */
  sequences: ReadonlyMap<number, number>;
  /** Null where it does not tell. */
  counts: NodeCounts | null;
}

/** How much there is on one node. */
export interface NodeCounts {
  readonly connections: number;
  /** Channels with a subscriber on the node. */
  readonly channels: number;
  /** Channels that its connections have joined, counted for each connection. */
  readonly subscriptions: number;
  /** Null where it does not tell. */
  readonly state: NodeState | null;
  /** Who watches the dashboard on the node: while somebody does anywhere, all nodes tell how they are. */
  readonly viewers: number;
}

export function writeBeat(beat: Beat): Buffer {
  const writer = new MsgpackWriter();
  writer.array(beat.counts === null ? 6 : 7);
  writer.unsigned(beatVersion);
  writer.text(beat.bootId);
  writer.text(beat.nodeId);
  writer.text(beat.runId);
  writer.float(beat.sentAt);
  writer.array(beat.sequences.size * 2);
  for (const [shard, sequence] of beat.sequences) {
    writer.unsigned(shard);
    writer.unsigned(sequence);
  }
  if (beat.counts !== null) {
    writer.array(beat.counts.state === null ? 3 : 5);
    writer.unsigned(beat.counts.connections);
    writer.unsigned(beat.counts.channels);
    writer.unsigned(beat.counts.subscriptions);
    if (beat.counts.state !== null) {
      writer.unsigned(nodeStates.indexOf(beat.counts.state));
      writer.unsigned(beat.counts.viewers);
    }
  }
  return writer.copy();
}

/** Null for anything that is not a beat of a known version. */
export function readBeat(bytes: Buffer): Beat | null {
  const reader = new MsgpackReader();
  reader.open(bytes);
  try {
    const elements = reader.array();
    if (elements < 6 || reader.unsigned() !== beatVersion) return null;
    const bootId = reader.text(maxIdBytes);
    const nodeId = reader.text(maxIdBytes);
    const runId = reader.text(maxIdBytes);
    const sentAt = reader.float();
    const numbers = reader.array();
    if (numbers > 2 * maxShards || numbers % 2 !== 0 || bootId === '') return null;
    const sequences = new Map<number, number>();
    for (let i = 0; i < numbers; i += 2) sequences.set(reader.unsigned(), reader.unsigned());
    const counts = elements > 6 ? readCounts(reader) : null;
    for (let i = 7; i < elements; i += 1) reader.skip();
    if (!reader.atEnd) return null;
    return { bootId, nodeId, runId, sentAt, sequences, counts };
  } catch (error) {
    if (error instanceof Malformed) return null;
    throw error;
  }
}

function readCounts(reader: MsgpackReader): NodeCounts {
  const elements = reader.array();
  if (elements < 3) throw new Malformed('counts are missing');
  const counts = {
    connections: reader.unsigned(),
    channels: reader.unsigned(),
    subscriptions: reader.unsigned(),
    state: elements > 3 ? (nodeStates[reader.unsigned()] ?? null) : null,
    viewers: elements > 4 ? reader.unsigned() : 0,
  };
  for (let i = 5; i < elements; i += 1) reader.skip();
  return counts;
}
