/**
 * A channel as this client takes part in it: who listens here, and where in its sequence we are.
 */
import type { NodeClock } from './node-clock.ts';
import type { OutcryError } from './outcry-error.ts';
import { Publication } from './publication.ts';
import { SequenceTracker } from './sequence-tracker.ts';
import type { Batch } from './wire.ts';

/** A subscription of the program, whatever it expects the payloads to be. */
export interface Subscriber {
  readonly channel: string;
  readonly state: 'joining' | 'joined' | 'ended';
  joined(degraded: boolean): void;
  /** The connection ended. */
  lost(): void;
  deliver(publication: Publication): void;
  gap(reason: string, missed: number | null): void;
  /** Returns false if nobody listens. */
  refused(error: OutcryError): boolean;
  end(error: OutcryError | null): void;
}

export class Channel {
  readonly name: string;
  /** The subscribe command that has not been answered yet; an answer to an older one does not count. */
  requestId: number | null = null;
  /** The node knows of it, or will in a moment. */
  asked = false;
  readonly #nodeClock: NodeClock;
  readonly #subscribers = new Set<Subscriber>();
  /** Null while it is not joined. */
  #joined: { tracker: SequenceTracker; degraded: boolean } | null = null;

  constructor(name: string, nodeClock: NodeClock) {
    this.name = name;
    this.#nodeClock = nodeClock;
  }

  get empty(): boolean {
    return this.#subscribers.size === 0;
  }

  add(subscriber: Subscriber): void {
    this.#subscribers.add(subscriber);
    // Joined already: told when the running code is through, so that it can listen first.
    if (this.#joined !== null)
      queueMicrotask(() => {
        if (this.#joined !== null && subscriber.state === 'joining') subscriber.joined(this.#joined.degraded);
      });
  }

  remove(subscriber: Subscriber): void {
    this.#subscribers.delete(subscriber);
  }

  /** @param sequence number of the last publication before those that follow */
  joined(sequence: number, degraded: boolean): void {
    this.requestId = null;
    this.#joined = { tracker: new SequenceTracker(sequence), degraded };
    for (const subscriber of this.#subscribers) subscriber.joined(degraded);
  }

  /** The connection ended. */
  lost(): void {
    this.requestId = null;
    this.asked = false;
    this.#joined = null;
    for (const subscriber of this.#subscribers) subscriber.lost();
  }

  /** @returns false if none of the subscribers has anybody who hears of it */
  refused(error: OutcryError): boolean {
    this.requestId = null;
    this.asked = false;
    return [...this.#subscribers].map((subscriber) => subscriber.refused(error)).includes(true);
  }

  batch({ sequence, time, publications }: Batch): void {
    if (this.#joined === null) return; // Left and joined again: what comes before the answer belongs to the past.
    const { missed, seen } = this.#joined.tracker.take(sequence, publications.length);
    if (missed > 0) this.gap('lost', missed);
    for (let index = seen; index < publications.length; index += 1) {
      const incoming = publications[index] ?? null;
      if (incoming === null) {
        this.gap('unreadable', 1);
        continue;
      }
      const number = sequence - publications.length + 1 + index;
      const { data, kind } = incoming;
      const publication = new Publication(this.name, data, kind, number, time, this.#nodeClock);
      for (const subscriber of this.#subscribers) subscriber.deliver(publication);
    }
  }

  gap(reason: string, missed: number | null): void {
    if (this.#joined === null) return;
    for (const subscriber of this.#subscribers) subscriber.gap(reason, missed);
  }

  end(error: OutcryError | null): void {
    for (const subscriber of [...this.#subscribers]) subscriber.end(error);
  }
}
