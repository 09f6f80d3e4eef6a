/**
 * All open connections of this node, and how many there may be.
 *
 * They stand in slots, filled in turn, so that liveness can visit one slot at a time and its work is spread evenly.
 *
 * A slot is an array and a connection knows its position, because there may be a million, and a Set takes many times
 * the memory of an array for each of its members. Who leaves is replaced by the last one of the slot.
 */
import type { EndReason, Metrics } from '../metrics/metrics.ts';
import type { Connection, Registry } from './connection.ts';

/** Enough for the visits of a default idle timeout to come more often than once a second. */
const slotCount = 16;

export interface ConnectionLimits {
  maxConnections: number;
  /** Pings and pongs that one connection may send between two visits of liveness. */
  maxControlFrames: number;
}

export class Connections implements Registry {
  readonly maxConnections: number;
  readonly maxControlFrames: number;
  readonly bootId: string;
  readonly slots: readonly (readonly Connection[])[];

  readonly #slots: Connection[][];
  readonly #metrics: Pick<Metrics, 'connectionsOpen' | 'connectionsOpened' | 'connectionsClosed'>;
  #nextSlot = 0;
  #open = 0;
  #lastSerial = 0;

  /** @param bootId of this run of the node; random */
  constructor(
    bootId: string,
    limits: ConnectionLimits,
    metrics: Pick<Metrics, 'connectionsOpen' | 'connectionsOpened' | 'connectionsClosed'>,
  ) {
    this.bootId = bootId;
    this.maxConnections = limits.maxConnections;
    this.maxControlFrames = limits.maxControlFrames;
    this.#slots = Array.from({ length: slotCount }, () => []);
    this.slots = this.#slots;
    this.#metrics = metrics;
  }

  get open(): number {
    return this.#open;
  }

  get full(): boolean {
    return this.#open >= this.maxConnections;
  }

  add(connection: Connection): void {
    this.#lastSerial += 1;
    connection.serial = this.#lastSerial;
    const slot = this.#slots[this.#nextSlot] as Connection[];
    connection.position = positionOf(this.#nextSlot, slot.length);
    slot.push(connection);
    this.#nextSlot = (this.#nextSlot + 1) % slotCount;
    this.#open += 1;
    this.#metrics.connectionsOpen.value = this.#open;
    this.#metrics.connectionsOpened.value += 1;
  }

  remove(connection: Connection, reason: EndReason): void {
    if (connection.position < 0) return;
    const slot = this.#slots[connection.position % slotCount] as Connection[];
    const last = slot.pop() as Connection;
    if (last !== connection) {
      slot[Math.floor(connection.position / slotCount)] = last;
      last.position = connection.position;
    }
    connection.position = -1;
    this.#open -= 1;
    this.#metrics.connectionsOpen.value = this.#open;
    this.#metrics.connectionsClosed.values[reason] += 1;
  }

  /** By its id. Looks at all of them: for an operator, not for a message. */
  find(id: string): Connection | null {
    if (!id.startsWith(`${this.bootId}-`)) return null;
    const serial = Number(id.slice(this.bootId.length + 1));
    for (const connection of this) if (connection.serial === serial) return connection;
    return null;
  }

  /**
   * The connections of one slot, from its end: whoever is visited may leave meanwhile, and takes nobody's turn.
   */
  *inSlot(slot: number): Generator<Connection> {
    const connections = this.#slots[slot] ?? [];
    for (let place = connections.length - 1; place >= 0; place -= 1) {
      const connection = connections[place];
      if (connection !== undefined) yield connection;
    }
  }

  *[Symbol.iterator](): Iterator<Connection> {
    for (let slot = 0; slot < slotCount; slot += 1) yield* this.inSlot(slot);
  }
}

/** Slot and place within it, in one number. */
function positionOf(slot: number, place: number): number {
  return place * slotCount + slot;
}
