/**
 * What the parent of a benchmark and its workers with latecomers say to each other.
 */
import type { Target } from '../messages.ts';
import type { Faults } from './progress.ts';

export type ToLatecomers =
  | {
      type: 'come';
      /** Used in turn. */
      targets: readonly Target[];
      recordBytes: number;
      connections: number;
      /** They are spread over so many channels. */
      channels: number;
      /** The first of them is that one of all. */
      first: number;
      localAddresses: readonly string[];
      /** Handshakes under way at once. */
      parallel: number;
      /** They also ask for their channel. */
      joining: boolean;
    }
  /** Until each has so many records of its channel. */
  | { type: 'wait'; records: number }
  | { type: 'leave' }
  /** Who is connected asks for the channel; the others come back first. Until each has so many records of its channel. */
  | { type: 'catch up'; targets: readonly Target[]; records: number; startedAt: number };

export interface CaughtUp extends Faults {
  type: 'caught up';
  /** Milliseconds from the start until a client had everything, for each that got there. */
  afterMs: number[];
  /** The same until it was in its channel. */
  inAfterMs: number[];
  /** Clients that could not go on where they were. */
  refused: number;
  /** Connections that ended by themselves, and handshakes that were refused. */
  cutOff: number;
  turnedAway: number;
  wireBytes: number;
  cpuSeconds: number;
}

export type FromLatecomers =
  | { type: 'here' }
  | { type: 'waited' }
  | { type: 'left' }
  | { type: 'failed'; reason: string }
  | CaughtUp;
