/**
 * What is kept for each native connection. There may be a million: most have joined one channel, so the first one stands
 * in the object itself, and a map is made for the second.
 */
import type { Room } from '../channel/room.ts';

export class NativeState {
  connected = false;
  /** Channels whose subscribe is not answered yet. */
  joining: Set<string> | null = null;
  /** Channels joined and left since `changesSince`. */
  changes = 0;
  changesSince = 0;
  #first: Room | null = null;
  #others: Map<string, Room> | null = null;

  /** Channels that are joined or being joined. */
  get size(): number {
    return (this.#first === null ? 0 : 1) + (this.#others?.size ?? 0) + (this.joining?.size ?? 0);
  }

  /** The room of a channel that is joined. */
  room(channel: string): Room | null {
    return this.#first?.channel === channel ? this.#first : (this.#others?.get(channel) ?? null);
  }

  /** Keeps a room that is not kept yet. */
  keep(room: Room): void {
    if (this.#first === null) {
      this.#first = room;
      return;
    }
    this.#others ??= new Map();
    this.#others.set(room.channel, room);
  }

  forget(room: Room): void {
    if (this.#first === room) this.#first = null;
    else this.#others?.delete(room.channel);
  }

  /** Those that are joined. */
  *rooms(): Generator<Room> {
    if (this.#first !== null) yield this.#first;
    if (this.#others !== null) yield* this.#others.values();
  }

  /** Hands out every room and keeps none. */
  *takeRooms(): Generator<Room> {
    const [first, others] = [this.#first, this.#others];
    this.#first = null;
    this.#others = null;
    this.joining = null;
    if (first !== null) yield first;
    if (others !== null) yield* others.values();
  }
}
