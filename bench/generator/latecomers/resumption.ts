/**
 * How a client of a system takes up a channel again where it left it: what it says, what it remembers, and where the records
 * are in what comes back.
 *
 * Reading must cost little, as in `../dialect.ts`: whoever listens finds out where records begin and how far apart they are.
 */
import type { Listener } from '../dialect.ts';
import type { RecordForm } from '../record.ts';

/** What a client must remember to come back, in the system's own words. */
export type Place = Readonly<Record<string, string | number>>;

/** What is told of a visit. */
export interface Visitor {
  send(frames: Buffer): void;
  /** The connection may ask for its channel. */
  opened(): void;
  /** It is in the channel; false if it asked to go on at a place and cannot. */
  joined(goesOn: boolean): void;
  /** It stands here now, by its own account. */
  stands(place: Place): void;
  /** `count` records, the first at `offset` and each `stride` bytes behind the one before; valid during the call. */
  records(bytes: Buffer, offset: number, count: number, stride: number): void;
  /** A message that should hold records and does not, or says that something is wrong. */
  mangled(): void;
}

/** One connection, from its handshake on. */
export interface Visit {
  /** Said first; `opened` follows. */
  readonly hello: Buffer;
  /** Asks for the channel; may be said in one go with the hello. */
  readonly join: Buffer;
  readonly listen: Listener;
}

export interface Resumption {
  readonly form: RecordForm;
  /** Asked for in the handshake. */
  readonly subprotocol?: string;
  /** The path to connect to, if it is another than the system's. */
  readonly path?: string;
  /** @param place where it goes on; null the first time */
  visit(visitor: Visitor, channel: number, place: Place | null): Visit;
}
