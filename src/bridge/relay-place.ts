/**
 * One place behind the relay, as its workers have it: who wants to hear which channel. The relay is subscribed to one while anybody
 * does.
 *
 * **Beats.** Each of N workers beats once a second and hears all others, which is N² messages. Where there are many, beats gather
 * for a tenth of a second and go to everybody in one write; nothing depends on their being younger. A beat that is late says less
 * than the frames that came before it, never more.
 */
import type { Clock } from '../clock.ts';
import { mayBeControl } from '../protocol/control.ts';
import { relayFrame, toWorker } from '../protocol/relay-frame.ts';
import type { RelayUpstream, UpstreamRole } from './relay-upstream.ts';

/** How long beats gather, and for how many connections it is worth it. */
const lingerMs = 100;
const manyListeners = 24;

/** A connection of a worker. */
export interface Listener {
  /** Of the worker. */
  readonly bootId: string;
  /** What stands behind the relay is there, or not any more. */
  tellState(role: UpstreamRole, why: string): void;
  /** @param frames `count` of type `message`, one behind the other; they may be shared */
  forward(frames: Buffer, count: number): void;
}

/** Who wants to hear a channel. */
interface Audience {
  readonly listeners: Set<Listener>;
  readonly confirmed: Promise<void>;
}

export class RelayPlace {
  readonly upstream: RelayUpstream;
  readonly #clock: Clock;
  readonly #listeners = new Set<Listener>();
  #audiences = new Map<string, Audience>();
  /** Beats that gather. */
  #lingering: Buffer[] = [];

  constructor(upstream: RelayUpstream, clock: Clock) {
    this.upstream = upstream;
    this.#clock = clock;
    upstream.start({
      changed: (role, why) => {
        if (role === 'bridge') this.#audiences = new Map();
        for (const listener of this.#listeners) listener.tellState(role, why);
      },
      message: (channel, bytes, except) => this.#deliver(channel, bytes, except),
    });
  }

  enter(listener: Listener): void {
    this.#listeners.add(listener);
  }

  leave(listener: Listener): void {
    this.#listeners.delete(listener);
    // Nobody waits for the answer. If Redis is away nothing is subscribed any more.
    this.unsubscribe(listener, [...this.#audiences.keys()]).catch(() => {});
  }

  async subscribe(listener: Listener, channels: readonly string[]): Promise<void> {
    const unknown = channels.filter((channel) => !this.#audiences.has(channel));
    if (unknown.length > 0) {
      const confirmed = this.upstream.subscribe(unknown);
      // Whoever waits for it is told below; nobody may be left by then.
      confirmed.catch(() => {});
      for (const channel of unknown) this.#audiences.set(channel, { listeners: new Set(), confirmed });
    }
    const joined = channels.map((channel) => [channel, this.#audiences.get(channel) as Audience] as const);
    for (const [, { listeners }] of joined) listeners.add(listener);
    try {
      for (const [, { confirmed }] of joined) await confirmed;
    } catch (error) {
      // Not those that have come since, with another connection.
      for (const [channel, audience] of joined)
        if (this.#audiences.get(channel) === audience) this.#remove(listener, channel);
      throw error;
    }
  }

  async unsubscribe(listener: Listener, channels: readonly string[]): Promise<void> {
    const unheard = channels.filter((channel) => this.#remove(listener, channel));
    if (unheard.length > 0) await this.upstream.unsubscribe(unheard);
  }

  /** Returns true if that was the last one. */
  #remove(listener: Listener, channel: string): boolean {
    const audience = this.#audiences.get(channel);
    if (audience?.listeners.delete(listener) !== true || audience.listeners.size > 0) return false;
    this.#audiences.delete(channel);
    return true;
  }

  #deliver(channel: string, bytes: Uint8Array, except: string | null): void {
    const listeners = this.#audiences.get(channel)?.listeners;
    if (listeners === undefined) return;
    // Made once for all of them.
    const frame = relayFrame(toWorker.message, channel, bytes);
    const isBeat = channel === this.upstream.place.controlChannel && !mayBeControl(bytes);
    if (isBeat && this.#listeners.size >= manyListeners) {
      this.#linger(channel, frame);
      return;
    }
    for (const listener of listeners) if (listener.bootId !== except) listener.forward(frame, 1);
  }

  /** What lingers is for all who hear the channel. */
  #linger(channel: string, beat: Buffer): void {
    this.#lingering.push(beat);
    if (this.#lingering.length > 1) return;
    this.#clock.after(lingerMs, () => {
      const beats = this.#lingering;
      this.#lingering = [];
      const all = Buffer.concat(beats);
      for (const listener of this.#audiences.get(channel)?.listeners ?? [])
        listener.forward(all, beats.length);
    });
  }
}
