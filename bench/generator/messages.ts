/**
 * What the parent of a benchmark and its workers say to each other.
 */
import type { DialectName } from './dialect.ts';
import type { Counts } from './tally.ts';

/** Where to connect, and how to speak there. */
export interface Target {
  host: string;
  port: number;
  path: string;
  dialect: DialectName;
}

export type ToReceiver =
  | {
      type: 'connect';
      target: Target;
      /** So many more. */
      connections: number;
      /** Source addresses, used in turn. */
      localAddresses: readonly string[];
      /** Handshakes under way at once; a listen backlog holds a few hundred. */
      parallel: number;
    }
  /** Records from `first` on count. */
  | { type: 'begin'; recordBytes: number; first: number }
  | { type: 'report'; published: number };

export interface ReceiverReport {
  type: 'report';
  counts: Counts;
  /** Connections that ended, since they were opened. */
  closed: number;
  histogram: string;
  cpuSeconds: number;
  /** The longest time for which this process stood still. */
  longestStallMs: number;
}

export type FromReceiver =
  | { type: 'connected'; seconds: number; cpuSeconds: number }
  | { type: 'failed'; reason: string }
  | { type: 'begun' }
  | { type: 'progress'; deliveries: number }
  | ReceiverReport;

export type ToPublisher =
  | { type: 'connect'; target: Target; recordBytes: number }
  | { type: 'publish'; rate: number; seconds: number; first: number };

export interface Published {
  type: 'published';
  records: number;
  lagHistogram: string;
  /** Writes that the kernel did not take at once: the server did not read, or not fast enough. */
  heldBack: number;
  cpuSeconds: number;
}

export type FromPublisher = { type: 'connected' } | { type: 'failed'; reason: string } | Published;
