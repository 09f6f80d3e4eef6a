/**
 * The contract of a cluster: who else is there, and asking them.
 *
 * It promises no consistency: counts are as old as the last beat, an answer is as old as the way back, and a node that does
 * not answer within a second is left out, which the result says. Nothing here waits longer than that.
 */
import type { NodeCounts } from '../protocol/beat.ts';
import type { Answer, Question } from '../protocol/control.ts';

/** Another node, as its beats tell. */
export interface ClusterNode {
  readonly nodeId: string;
  readonly bootId: string;
  /** Null for a node that does not tell. */
  readonly counts: NodeCounts | null;
  readonly lastBeatAgeMs: number;
}

/** What this node tells the others of itself, and answers them. */
export interface LocalNode {
  counts(): NodeCounts;
  answer(question: Question): Answer;
}

export interface Answers {
  readonly answers: readonly Answer[];
  /** False when somebody who was asked, or is not known of for lack of a connection, has not answered. */
  readonly complete: boolean;
}

export interface Cluster {
  /** Who speaks for this node from now on. Called once. */
  represent(local: LocalNode): void;
  /** The other nodes. */
  nodes(): readonly ClusterNode[];
  /** Asks the node with the boot id `to`, or all others. Never rejects. */
  ask(question: Question, to?: string): Promise<Answers>;
}
