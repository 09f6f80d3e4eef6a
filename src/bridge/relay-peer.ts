/**
 * One connection of a worker, as the relay sees it (`relay-connection.ts` is the other end): reads commands, answers them, and
 * forwards what is published to the channels that it has subscribed to.
 */
import type { Socket } from 'node:net';
import type { Clock, Timer } from '../clock.ts';
import type { RelayCloseReason, RelayMetrics } from '../metrics/relay-metrics.ts';
import { Malformed } from '../protocol/malformed.ts';
import {
  asBytes,
  asInteger,
  asList,
  asText,
  maxRelayFrameBytes,
  type ReadValue,
  RelayFrames,
  type RelayRole,
  relayFrame,
  relayRoles,
  relayVersion,
  toRelay,
  toWorker,
  type WireValue,
} from '../protocol/relay-frame.ts';
import { isRefusal } from './broker.ts';
import { GatheredWrites } from './gathered-writes.ts';
import type { Listener, RelayPlace } from './relay-place.ts';
import { refusal, type UpstreamRole } from './relay-upstream.ts';
import { placesFrame } from './relayed-place.ts';

/** Who has not said who it is by then is closed. */
const helloTimeoutMs = 2_500;
/** An answer may be as large as a frame, without what stands around it. */
const maxAnswerBytes = maxRelayFrameBytes - 1_024;

export interface RelayPeerOptions {
  /** Those that there are now, by their ids. */
  places(): ReadonlyMap<string, RelayPlace>;
  maxBytesWaiting: number;
  clock: Clock;
  metrics: RelayMetrics;
  /** Called once. */
  onEnd(reason: RelayCloseReason): void;
}

export class RelayPeer implements Listener {
  /** Of the worker; empty before it has said it. */
  bootId = '';
  readonly #socket: Socket;
  readonly #options: RelayPeerOptions;
  readonly #writes: GatheredWrites;
  readonly #helloTimer: Timer;
  #role: RelayRole | null = null;
  #placeId = '';
  /** Null while there is no such place. */
  #place: RelayPlace | null = null;
  #open = true;

  constructor(socket: Socket, options: RelayPeerOptions) {
    const frames = new RelayFrames();
    this.#socket = socket;
    this.#options = options;
    this.#writes = new GatheredWrites(socket, options.clock);
    this.#helloTimer = options.clock.after(helloTimeoutMs, () => this.#end('silent'));
    socket.on('data', (chunk) => {
      try {
        frames.push(chunk, (type, values) => this.#take(type, values));
      } catch (error) {
        if (!(error instanceof Malformed)) throw error;
        this.#end('malformed');
      }
    });
    // It is told by `close`, too.
    socket.on('error', () => {});
    socket.on('close', () => this.#end('ended'));
  }

  tellState(role: UpstreamRole, why: string): void {
    if (role !== this.#role) return;
    const identity = this.#place?.upstream.identity(role) ?? null;
    if (identity === null) this.#write(relayFrame(toWorker.lost, why));
    else this.#write(relayFrame(toWorker.ready, identity.runId, identity.role));
  }

  /** There are other places than before. */
  placesChanged(): void {
    const role = this.#role;
    if (role === 'places')
      this.#write(placesFrame(Array.from(this.#options.places().values(), ({ upstream }) => upstream.place)));
    else if (role !== null && this.#enterPlace()) this.tellState(role, 'this is elsewhere now');
  }

  forward(frames: Buffer, count: number): void {
    const { metrics } = this.#options;
    metrics.messagesForwarded.value += count;
    metrics.bytesForwarded.value += frames.length;
    this.#write(frames);
  }

  /** Ends it when what waits has gone. */
  end(): void {
    this.#socket.end();
  }

  #take(type: number, [first, ...rest]: ReadValue[]): void {
    if (!this.#open) return;
    const role = this.#role;
    if (role === null || type === toRelay.hello) this.#greet(type, first, rest);
    else this.#command(type, role, asInteger(first), rest);
  }

  #command(type: number, role: RelayRole, id: number, values: ReadValue[]): void {
    this.#options.metrics.commands.value += 1;
    this.#carryOut(type, role, values).then(
      (value) => this.#answer(id, value),
      (error: Error) => {
        if (error instanceof Malformed) {
          this.#end('malformed');
          return;
        }
        const refused = isRefusal(error);
        this.#options.metrics.commandsFailed.values[refused ? 'refused' : 'failed'] += 1;
        this.#write(relayFrame(refused ? toWorker.refused : toWorker.failed, id, error.message));
      },
    );
  }

  #greet(type: number, version: ReadValue | undefined, [role, bootId, place]: ReadValue[]): void {
    if (type !== toRelay.hello || version !== relayVersion || this.#role !== null)
      throw new Malformed('no hello of this version');
    if (!relayRoles.includes(role as RelayRole)) throw new Malformed('an unknown role');
    this.#role = role as RelayRole;
    this.bootId = asText(bootId);
    this.#helloTimer.cancel();
    if (role === 'places') {
      this.placesChanged();
      return;
    }
    this.#placeId = asText(place);
    this.#enterPlace();
    this.tellState(role as UpstreamRole, 'Redis is away');
  }

  /** Returns whether it is in another place than before. */
  #enterPlace(): boolean {
    const place = this.#options.places().get(this.#placeId) ?? null;
    if (place === this.#place) return false;
    this.#place?.leave(this);
    this.#place = place;
    place?.enter(this);
    return true;
  }

  /** Not only its promise: what is sent on starts in the order of the calls. */
  async #carryOut(type: number, role: RelayRole, values: ReadValue[]): Promise<WireValue> {
    if (role === 'places') throw new Malformed('nothing can be asked here');
    const place = this.#place;
    if (place === null) throw refusal('TRYAGAIN this is elsewhere now');
    const { upstream } = place;
    switch (type) {
      case toRelay.publish:
        await upstream.publish(asText(values[0]), asBytes(values[1]), this.bootId);
        return null;
      case toRelay.subscribe:
        await place.subscribe(this, values.map(asText));
        return null;
      case toRelay.unsubscribe:
        await place.unsubscribe(this, values.map(asText));
        return null;
      case toRelay.identify: {
        const identity = await upstream.identify(role);
        return [identity.runId, identity.role];
      }
      case toRelay.settle:
        return await upstream.settle(asText(values[0]), asText(values[1]));
      case toRelay.run:
        return await upstream.run(
          asText(values[0]),
          asList(values[1]).map(asText),
          asList(values[2]).map((arg) => (typeof arg === 'string' ? arg : asBytes(arg))),
        );
      case toRelay.history:
        return await upstream.askHistory(values);
      default:
        throw new Malformed('an unknown command');
    }
  }

  #answer(id: number, value: WireValue): void {
    const frame = relayFrame(toWorker.done, id, value);
    if (frame.length <= maxAnswerBytes) this.#write(frame);
    else this.#write(relayFrame(toWorker.failed, id, 'the answer is too large'));
  }

  #write(frame: Buffer): void {
    if (!this.#open) return;
    this.#writes.write(frame);
    // What comes in one turn waits for its end, also for one that takes everything.
    if (this.#socket.writableLength > this.#options.maxBytesWaiting) this.#end('overflow');
  }

  #end(reason: RelayCloseReason): void {
    if (!this.#open) return;
    this.#open = false;
    this.#helloTimer.cancel();
    this.#socket.destroy();
    this.#place?.leave(this);
    this.#options.onEnd(reason);
  }
}
