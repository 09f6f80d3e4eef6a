/**
 * How a system is spoken to: how a connection joins its channels, what a record becomes on its way in, and where the records
 * are in what comes out.
 *
 * Reading must cost next to nothing, or a benchmark measures itself: a dialect finds out where records begin and how far
 * apart they are, and does not take messages apart. Records that are not where they should be show as damaged.
 */
import type { RecordForm } from './record.ts';

export interface RecordSink {
  /** `count` records, the first at `offset` and each `stride` bytes behind the one before; valid during the call. */
  records(bytes: Buffer, offset: number, count: number, stride: number): void;
  /** A message that should hold records and does not. */
  mangled(): void;
  /** The system says that something may be missing; damage to whoever has no use for it. */
  gap?(): void;
  /** Who came back gets all that he has missed. */
  recovered?(): void;
  /** The publication with that id was taken, or refused: then it reached nobody. */
  answered?(id: number, taken: boolean): void;
}

/** What a client remembers from one connection to the next. */
export interface Memory {
  place?: { readonly epoch: string; readonly offset: number };
}

/** The system has said that something may be missing. */
export function tellGap(sink: RecordSink): void {
  if (sink.gap === undefined) sink.mangled();
  else sink.gap();
}

/** What a dialect may do with a connection. */
export interface Speaker {
  /** Sends frames that are made already. */
  send(frames: Buffer): void;
  /** Everything is joined: what is published from now on arrives. Called once. */
  joined(): void;
}

/** Takes each message of a connection: `size` bytes at `offset`, valid during the call. */
export type Listener = (bytes: Buffer, offset: number, size: number) => void;

export interface Dialect {
  readonly form: RecordForm;
  /** Asked for in the handshake. */
  readonly subprotocol?: string;
  /** Asks for permessage-deflate, and refuses to do without. */
  readonly deflate?: boolean;
  /** The path to connect to, for systems that learn there what a connection wants to hear. */
  path?(base: string, channels: readonly number[]): string;
  /** Bytes that publish a record, as they go onto the connection. */
  publication(record: Buffer, channel: number): Buffer;
  /** The same that is answered; with the same key again it does nothing if it was taken the first time. */
  confirmedPublication?(record: Buffer, channel: number, id: number, key: string): Buffer;
  /**
   * Speaks on a connection that has just opened, to hear these channels; none for a publisher. What a dialect must know to
   * go on where it was stands in the memory.
   */
  converse(speaker: Speaker, channels: readonly number[], sink: RecordSink, memory?: Memory): Listener;
}

/** The name of a channel, for systems that have names. */
export function nameOf(channel: number): string {
  return `bench-${channel}`;
}
