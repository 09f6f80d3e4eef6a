/**
 * What the parent of a benchmark and its workers say to each other.
 */
import type { DialectName } from './dialects/catalogue.ts';
import type { SignalCounts } from './signals.ts';
import type { Counts } from './tally.ts';
import type { Topology } from './topology.ts';

/** Where to connect, and how to speak there. */
export interface Target {
  host: string;
  port: number;
  path: string;
  dialect: DialectName;
  /** TLS, whatever the certificate. */
  tls?: boolean;
}

/** What subscribers do to the others: they stop reading, or all leave and come back at once. */
export type Misbehaviour = 'stop reading' | 'reconnect';

export type ToReceiver =
  | {
      type: 'connect';
      /** Used in turn. */
      targets: readonly Target[];
      recordBytes: number;
      topology: Topology;
      /** So many more. */
      connections: number;
      /** The first of them is that subscriber of all. */
      firstSubscriber: number;
      /** Source addresses, used in turn. */
      localAddresses: readonly string[];
      /** Handshakes under way at once; a listen backlog holds a few hundred. */
      parallel: number;
    }
  /** The last so many connections do not count from now on. */
  | { type: 'set aside'; connections: number }
  /** They do this. */
  | { type: 'misbehave'; how: Misbehaviour }
  /** Records of that run count. With `comeBack`, whose connection ends opens another, at the next address. */
  | { type: 'begin'; run: number; comeBack: boolean }
  | { type: 'count' }
  /** @param published of each channel */
  | { type: 'report'; published: readonly number[] };

export interface ReceiverReport {
  type: 'report';
  counts: Counts;
  /** Connections that ended, since they were opened. */
  closed: number;
  /** The same of those that were set aside. */
  asideClosed: number;
  latency: string;
  /** That came from the servers, as it came, since records count. */
  wireBytes: number;
  cpuSeconds: number;
  /** The longest time for which this process stood still. */
  longestStallMs: number;
  /** Of a run with `comeBack`. */
  signals: SignalCounts | null;
}

export type FromReceiver =
  | { type: 'connected'; seconds: number; cpuSeconds: number }
  | { type: 'failed'; reason: string }
  | { type: 'set aside' }
  /** Seconds that it took. */
  | { type: 'misbehaved'; seconds: number }
  | { type: 'begun' }
  | { type: 'progress'; deliveries: number }
  /** `arrivals` has what is left of a run before in it. */
  | { type: 'counted'; deliveries: number; arrivals: number }
  | ReceiverReport;

export type ToPublisher =
  | { type: 'connect'; target: Target; recordBytes: number; topology: Topology }
  | { type: 'publish'; rate: number; seconds: number; run: number };

export interface Published {
  type: 'published';
  records: number;
  /** Of each channel. */
  perChannel: number[];
  lag: string;
  /** Writes that the kernel did not take at once: the server did not read, or not fast enough. */
  heldBack: number;
  /** Where publications are answered: those that were refused at least once, or had to wait behind one that was. */
  refused: number;
  cpuSeconds: number;
}

export type FromPublisher = { type: 'connected' } | { type: 'failed'; reason: string } | Published;
