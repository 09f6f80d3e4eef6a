/**
 * How a system is spoken to: what a record becomes on its way in, and where the records are in what comes out.
 *
 * Workers are processes of their own, so a dialect travels as a name.
 */
import { clientFrame } from './websocket.ts';

/** One or more records side by side: `size` bytes at `offset`, valid during the call. */
export type RecordSink = (bytes: Buffer, offset: number, size: number) => void;

export interface Dialect {
  /** The bytes that publish a record, as they go onto the connection. */
  publication(record: Buffer): Buffer;
  /** Takes a message apart: `size` bytes at `offset`. */
  read(bytes: Buffer, offset: number, size: number, sink: RecordSink): void;
}

export const dialects = {
  /** A binary message is a record, or several side by side. */
  raw: {
    publication: (record) => clientFrame(2, record),
    read: (bytes, offset, size, sink) => sink(bytes, offset, size),
  },
} satisfies Record<string, Dialect>;

export type DialectName = keyof typeof dialects;
