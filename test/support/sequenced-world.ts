/**
 * The parts of a node that carry one channel with a history, which answers when a test says so. What its members make of what
 * they get is up to the test.
 */
import type { Hub } from '../../src/channel/hub.ts';
import type { Position, Retention } from '../../src/channel/position.ts';
import {
  Recoveries,
  type RecoveriesOptions,
  type Standing,
  type Ticket,
} from '../../src/channel/recoveries.ts';
import type { Room } from '../../src/channel/room.ts';
import { SequencedRooms } from '../../src/channel/sequenced-rooms.ts';
import { CoalescedReads } from '../../src/history/coalesced-reads.ts';
import { Metrics } from '../../src/metrics/metrics.ts';
import type { Codec } from '../../src/protocol/codec.ts';
import { FakeClock } from './fake-clock.ts';
import { FakeSocket } from './fake-socket.ts';
import { newHub } from './hub.ts';
import { SlowHistory, settled } from './slow-history.ts';

export const channel = 'a';

export type WorldOptions = Partial<RecoveriesOptions> & {
  codec: Codec;
  /** Publications that the history keeps. */
  size: number;
  latest?: Retention['latest'];
  pageSize?: number;
  tailBytes?: number;
  tailBytesTogether?: number;
};

/** What there is to know of a client in the turn in which it joins. */
export interface Entry {
  readonly standing: Standing;
  readonly ticket: Ticket;
  readonly room: Room;
}

export class SequencedWorld<Member extends { hear(frame: string): void }> {
  readonly clock = new FakeClock();
  readonly metrics = new Metrics();
  readonly history: SlowHistory;
  readonly hub: Hub;
  readonly rooms: SequencedRooms;
  readonly recoveries: Recoveries;
  readonly members: Member[] = [];
  readonly #codec: Codec;

  constructor(options: WorldOptions) {
    const { codec, size, latest, pageSize, tailBytes = 1_000, tailBytesTogether = 1e9, ...bounds } = options;
    this.#codec = codec;
    this.history = new SlowHistory(size, pageSize);
    let rooms: SequencedRooms | null = null;
    this.hub = newHub({
      publishToTopic: (_topic, payload) => {
        for (const member of this.members) member.hear(String(payload));
        return 'sent';
      },
      watch: {
        opened: (opened) => rooms?.opened(opened),
        closed: (closed) => rooms?.closed(closed),
      },
      clock: this.clock,
      metrics: this.metrics,
    });
    const common = {
      retention: () => ({ size, ttlMs: 1e9, ...(latest && { latest }) }),
      clock: this.clock,
      metrics: this.metrics.history,
    };
    this.rooms = rooms = new SequencedRooms({
      ...common,
      history: this.history,
      hub: this.hub,
      reaches: () => true,
      latestMetrics: this.metrics.latest,
      maxTailBytes: tailBytes,
      maxTailBytesTogether: tailBytesTogether,
    });
    const reads = new CoalescedReads(this.history);
    this.recoveries = new Recoveries({
      sparesReads: () => false,
      ...common,
      rooms,
      bridge: { prepare: () => true, reaches: () => true },
      history: {
        read: (name, since, max) => reads.read(name, since, max),
        last: (name, count) => this.history.last(name, count),
      },
      ...{ maxPublications: 1_000, maxBytes: 100_000, maxReading: 4, maxWaiting: 100, timeoutMs: 5_000 },
      ...bounds,
    });
  }

  /** Somebody joins as a session does: in one turn, as soon as everything is ready. */
  async admit(
    since: Position | null,
    last: number | null,
    memberOf: (entry: Entry) => Member,
  ): Promise<Member> {
    const ticket = await this.recoveries.prepare({ channel, since, last });
    let standing = this.recoveries.standing(ticket);
    for (let attempt = 0; standing === 'again' && attempt < 5; attempt += 1) {
      await this.recoveries.collect(ticket);
      standing = this.recoveries.standing(ticket);
    }
    if (standing === 'again') throw new Error('it never became ready');
    this.hub.flushChannel(channel);
    const room = this.hub.join(channel, this.#codec, new FakeSocket());
    const member = memberOf({ standing, ticket, room });
    this.members.push(member);
    this.recoveries.release(ticket);
    return member;
  }

  /** Lets everything happen that is under way. */
  async calm(): Promise<void> {
    for (let idle = 0; idle < 3; ) {
      const busy = this.history.deliver() || this.history.look() || this.history.answer();
      await settled();
      this.clock.endTurn();
      this.clock.endTurn();
      idle = busy ? 0 : idle + 1;
    }
  }

  /** And lets so much time pass that every loss is found. */
  async comeToRest(): Promise<void> {
    for (let seconds = 0; seconds < 40; seconds += 1) {
      await this.calm();
      this.clock.advance(1_000);
    }
    await this.calm();
  }
}
