/**
 * What the parent of a crowd and its processes say to each other, a line of JSON each, over standard input and output.
 */
import type { Target } from '../generator/messages.ts';
import type { ReceiptCounts } from './receipts.ts';

export type Order =
  | {
      type: 'connect';
      target: Target;
      recordBytes: number;
      connections: number;
      /** Handshakes under way at once. */
      parallel: number;
      /** Source addresses: the first, as a number, and how many behind it, used in turn. */
      sourceAddress: number;
      sourceAddresses: number;
    }
  /** Records of that run and size count from now on. */
  | { type: 'expect'; run: number; recordBytes: number }
  | { type: 'report' };

export interface Progress {
  type: 'progress';
  joined: number;
  /** Attempts to connect that failed, by reason; each was made again. */
  failures: Readonly<Record<string, number>>;
  /** Members whose connection ended although nobody wanted it. */
  closed: number;
  received: number;
}

export interface CrowdReport extends ReceiptCounts {
  type: 'report';
  latency: string;
  /** Pings that were answered, since the start. */
  pings: number;
}

export type Said =
  | Progress
  | { type: 'connected' }
  | { type: 'expecting' }
  | { type: 'failed'; reason: string }
  | CrowdReport;
