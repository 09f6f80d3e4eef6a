/**
 * What the parent of a benchmark and its workers say to each other.
 */
import type { Counts } from './tally.ts';

export interface Target {
  host: string;
  port: number;
  path: string;
}

export type ToReceiver =
  | {
      type: 'connect';
      target: Target;
      connections: number;
      /** Source addresses, used in turn. */
      localAddresses: readonly string[];
      /** Handshakes under way at once; a listen backlog holds a few hundred. */
      parallel: number;
      recordBytes: number;
      verifyEvery: number;
    }
  | { type: 'begin' }
  | { type: 'report'; published: number };

export type FromReceiver =
  | { type: 'connected'; seconds: number }
  | { type: 'failed'; reason: string }
  | { type: 'begun' }
  | { type: 'progress'; deliveries: number }
  | { type: 'report'; counts: Counts; closed: number; histogram: string; cpuSeconds: number };

export type ToPublisher =
  | { type: 'connect'; target: Target; recordBytes: number }
  | { type: 'publish'; rate: number; seconds: number };

export type FromPublisher =
  | { type: 'connected' }
  | { type: 'failed'; reason: string }
  | { type: 'published'; records: number; lagHistogram: string; refused: number; cpuSeconds: number };
