/**
 * Which channels of this node spoke most since somebody last asked.
 *
 * Counted exactly, and only while somebody asks: a room that is flushed adds to a number of its own and, the first time in a
 * period, to a list. So it costs nothing per publication, one comparison per flush while nobody looks, and never memory for a channel
 * that nobody listens to. A sketch with a fixed number of counters would hash a name per flush to find out less.
 */

/** What a room keeps for it. */
export interface CountedRoom {
  readonly channel: string;
  readonly subscribers: number;
  /** Publications since somebody asked. */
  counted: number;
}

export interface BusyChannel {
  readonly channel: string;
  /** Since the last call of `take`, or since the count began. */
  readonly publications: number;
  readonly subscribers: number;
}

/** Rooms that are told apart in one period. The list is gone through when somebody asks, in the turn of a loop that has other work. */
const maxRooms = 100_000;

export class BusyChannels<Room extends CountedRoom> {
  #counting = false;
  #rooms: Room[] = [];

  /** So many publications of a room were sent. */
  add(room: Room, publications: number): void {
    if (!this.#counting) return;
    if (room.counted === 0) {
      if (this.#rooms.length >= maxRooms) return;
      this.#rooms.push(room);
    }
    room.counted += publications;
  }

  /** The `limit` channels with most publications since the last call, the busiest first. The first call begins to count. */
  take(limit: number): BusyChannel[] {
    this.#counting = true;
    const busiest: BusyChannel[] = [];
    for (const { channel, subscribers, counted: publications } of this.#rooms) {
      const last = busiest.at(-1);
      if (busiest.length === limit && last !== undefined && publications <= last.publications) continue;
      const place = busiest.findIndex((other) => other.publications < publications);
      busiest.splice(place === -1 ? busiest.length : place, 0, { channel, publications, subscribers });
      if (busiest.length > limit) busiest.pop();
    }
    this.#beginPeriod();
    return busiest;
  }

  /** Nobody asks any more. */
  stop(): void {
    this.#counting = false;
    this.#beginPeriod();
  }

  #beginPeriod(): void {
    for (const room of this.#rooms) room.counted = 0;
    this.#rooms = [];
  }
}
