/**
 * The public listener: WebSockets, the demo page, the health routes. Everything else is 404.
 */
import type { ChannelPolicy } from '../auth/channel-policy.ts';
import type { Bridge } from '../bridge/bridge.ts';
import { parseRawPath } from '../channel/channel-name.ts';
import type { Admission } from '../connection/admission.ts';
import { Connection, type Protocol } from '../connection/connection.ts';
import type { Connections } from '../connection/connections.ts';
import { NativeState } from '../connection/native-state.ts';
import type { RawState } from '../connection/raw-room.ts';
import { TurnedAway } from '../connection/turned-away.ts';
import type { Readiness } from '../lifecycle/readiness.ts';
import type { Metrics } from '../metrics/metrics.ts';
import type { HttpReply, HttpRequest, Upgrade } from '../transport/transport.ts';
import type { Asset } from './assets.ts';
import { offersDeflate } from './deflate-offer.ts';
import {
  asksForWebSocket,
  findFlaw,
  findOversize,
  type HandshakePolicy,
  type Refusal,
  refusalReply,
} from './handshake-guard.ts';
import { healthReply } from './health.ts';
import { chooseNative, type NativeProtocol, noneIsKnown } from './native-protocol.ts';
import { plain, refuseOtherMethods } from './reply.ts';

export interface PublicListenerOptions {
  policy: HandshakePolicy;
  connections: Connections;
  readiness: Readiness;
  memory: { readonly refusesNewcomers: boolean };
  admission: Pick<Admission, 'ask'>;
  bridge: Pick<Bridge, 'prepare'>;
  metrics: Pick<Metrics, 'handshakesRefused' | 'handshakesTold' | 'requestsRefused'>;
  /** Files of the demo page and the SDK by path. */
  assets: ReadonlyMap<string, Asset>;
  /** Raw rooms, and the same with a hello frame first. */
  rawRoom: Protocol<RawState>;
  rawRoomWithHello: Protocol<RawState>;
  /** One for each codec. */
  natives: readonly NativeProtocol[];
  channelPolicy: Pick<ChannelPolicy, 'maySubscribe' | 'compresses' | 'compressesAny'>;
}

export class PublicListener {
  readonly #options: PublicListenerOptions;

  constructor(options: PublicListenerOptions) {
    this.#options = options;
  }

  handle(request: HttpRequest): HttpReply | Upgrade | Promise<HttpReply | Upgrade> {
    return asksForWebSocket(request) ? this.#handshake(request) : this.#page(request);
  }

  #handshake(request: HttpRequest): HttpReply | Upgrade | Promise<HttpReply | Upgrade> {
    const { policy } = this.#options;
    const flaw = findFlaw(request, policy);
    if (flaw !== null) return this.#refuse(flaw);
    const offered = request.header('sec-websocket-protocol');
    return offered === null ? this.#openRawRoom(request) : this.#openNative(request, offered);
  }

  #openNative(request: HttpRequest, offered: string): HttpReply | Upgrade {
    const { channelPolicy, natives, connections } = this.#options;
    const native = chooseNative(natives, offered);
    if (native === null) return this.#refuse({ reason: 'subprotocol', detail: noneIsKnown(natives) });
    const noRoom = this.#findNoRoom();
    if (noRoom !== null) return this.#refuse(noRoom);
    const busy = this.#whileBusy(native.codec.subprotocol, true);
    if (busy !== null) return busy;
    return {
      session: new Connection(native, new NativeState(), connections),
      subprotocol: native.codec.subprotocol,
      deflate: channelPolicy.compressesAny && offersDeflate(request),
    };
  }

  #openRawRoom(request: HttpRequest): HttpReply | Upgrade | Promise<HttpReply | Upgrade> {
    const { bridge, channelPolicy, connections, rawRoom, rawRoomWithHello } = this.#options;
    const path = parseRawPath(request.path);
    if (path === 'unknown path')
      return this.#refuse({
        reason: 'path',
        detail: 'connect to / or to /raw/<channel>, or offer a subprotocol',
      });
    if (path === 'malformed')
      return this.#refuse({
        reason: 'malformed',
        detail: 'a channel is 1 to 200 bytes of percent-encoded UTF-8 without control characters',
      });
    if (!channelPolicy.maySubscribe(path.channel, 'client'))
      return this.#refuse({ reason: 'not_permitted', detail: 'clients may not subscribe to this channel' });
    const noRoom = this.#findNoRoom();
    if (noRoom !== null) return this.#refuse(noRoom);
    const busy = this.#whileBusy(null, request.header('origin') !== null);
    if (busy !== null) return busy;
    const hello = request.query !== '' && new URLSearchParams(request.query).get('hello') === '1';
    const session = new Connection<RawState>(hello ? rawRoomWithHello : rawRoom, path.channel, connections);
    const deflate = channelPolicy.compresses(path.channel) && offersDeflate(request);
    // 101 means "subscribed": it waits until the other nodes reach this one, or says so in the hello frame if they do not.
    const reach = bridge.prepare(path.channel);
    if (!(reach instanceof Promise)) return { session, deflate };
    return reach.then(() => {
      const noRoomNow = this.#findNoRoom();
      return noRoomNow === null ? { session, deflate } : this.#refuse(noRoomNow);
    });
  }

  #findNoRoom(): Refusal | null {
    if (this.#options.readiness.closed) return { reason: 'stopping', detail: 'this node is stopping' };
    if (this.#options.memory.refusesNewcomers)
      return { reason: 'memory', detail: 'this node has no memory to spare' };
    return this.#options.connections.full ? { reason: 'full', detail: 'this node is full' } : null;
  }

  /**
   * What a client gets when more come than are taken; null if it is welcome.
   *
   * @param isDeaf nothing of a refusal reaches it: it is a page, or a program with the same interface
   */
  #whileBusy(subprotocol: string | null, isDeaf: boolean): HttpReply | Upgrade | null {
    const { admission, metrics } = this.#options;
    const answer = admission.ask();
    if (answer === 'welcome') return null;
    const { retryAfterMs, mayBeTold } = answer;
    const refusal = this.#refuse({
      reason: 'busy',
      detail: 'too many clients come at once',
      retryAfterMs,
    });
    if (!isDeaf || !mayBeTold) return refusal;
    metrics.handshakesTold.value += 1;
    return { session: new TurnedAway(retryAfterMs), ...(subprotocol !== null && { subprotocol }) };
  }

  #refuse(refusal: Refusal): HttpReply {
    this.#options.metrics.handshakesRefused.values[refusal.reason] += 1;
    return refusalReply(refusal);
  }

  #page(request: HttpRequest): HttpReply {
    const { policy, metrics, assets, readiness } = this.#options;
    const oversize = findOversize(request, policy);
    if (oversize !== null) {
      metrics.requestsRefused.values[oversize.reason] += 1;
      return refusalReply(oversize);
    }
    const refused = refuseOtherMethods(request.method);
    if (refused !== null) return refused;
    const asset = assets.get(request.path);
    if (asset !== undefined) return { status: 200, headers: asset.headers, body: asset.body };
    return healthReply(request, readiness) ?? plain(404, 'there is nothing here; the demo page is at /');
  }
}
