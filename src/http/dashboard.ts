/**
 * The dashboard on the admin listener: a page, who may see what it shows, and the WebSocket that feeds it.
 *
 * The page itself is the same for everybody and holds nothing secret, so it comes without a key: it is the page that asks for it. What it
 * shows comes over `/dashboard/feed`, in the protocol of native clients, to whoever has the key, or a pass for which it was
 * shown (`dashboard-pass.ts`). Where no key is set, on loopback, it comes to whoever calls this machine by its own name. Either way
 * a page of another origin gets nothing.
 */
import { Connection } from '../connection/connection.ts';
import type { Connections } from '../connection/connections.ts';
import { NativeState } from '../connection/native-state.ts';
import type { DashboardMetrics, dashboardRefusals } from '../metrics/metrics.ts';
import type { HttpReply, HttpRequest, Upgrade } from '../transport/transport.ts';
import type { AdminKey } from './admin-key.ts';
import type { Asset } from './assets.ts';
import { isPass, issuePass, passesIn, setCookie } from './dashboard-pass.ts';
import { asksForWebSocket, findFlaw, refusalReply } from './handshake-guard.ts';
import { chooseNative, type NativeProtocol, noneIsKnown } from './native-protocol.ts';
import { json, plain, refuseOtherMethods } from './reply.ts';

export const dashboardPath = '/dashboard';
const feedPath = '/dashboard/feed';
const sessionPath = '/dashboard/session';

/** Nobody has reason to set limits of their own for a handful of operators. */
const handshakePolicy = { origins: [], maxUrlBytes: 4_096, maxHeaderBytes: 8_192 };

export interface DashboardOptions {
  key: AdminKey;
  /** Of the page, by path. */
  assets: ReadonlyMap<string, Asset>;
  /** Who watches. */
  viewers: Connections;
  /** One for each codec; they let into the status channel, and nowhere else. */
  natives: readonly NativeProtocol[];
  metrics: Pick<DashboardMetrics, 'refused'>;
  /** Milliseconds since 1970. */
  now(): number;
}

type Refusal = (typeof dashboardRefusals)[number];

export class Dashboard {
  readonly #options: DashboardOptions;

  constructor(options: DashboardOptions) {
    this.#options = options;
  }

  /** Answers a request whose path is `dashboardPath` or below it. */
  handle(request: HttpRequest): HttpReply | Upgrade {
    const { path } = request;
    if (path === feedPath) return this.#feed(request);
    if (path === sessionPath) return this.#session(request);
    const refused = refuseOtherMethods(request.method);
    if (refused !== null) return refused;
    const asset = this.#options.assets.get(path);
    if (asset !== undefined) return { status: 200, headers: asset.headers, body: asset.body };
    return plain(404, 'the dashboard is at /dashboard');
  }

  #feed(request: HttpRequest): HttpReply | Upgrade {
    const { viewers, natives } = this.#options;
    if (!asksForWebSocket(request)) return plain(426, 'this is a WebSocket', { Upgrade: 'websocket' });
    const flaw = findFlaw(request, handshakePolicy);
    if (flaw !== null) return this.#count('handshake', refusalReply(flaw));
    const stranger = this.#findStranger(request);
    if (stranger !== null) return stranger;
    const native = chooseNative(natives, request.header('sec-websocket-protocol') ?? '');
    if (native === null)
      return this.#count('handshake', refusalReply({ reason: 'subprotocol', detail: noneIsKnown(natives) }));
    if (viewers.full)
      return this.#count('full', refusalReply({ reason: 'full', detail: 'enough people are watching' }));
    return {
      session: new Connection(native, new NativeState(), viewers),
      subprotocol: native.codec.subprotocol,
    };
  }

  /** GET: may this browser watch? POST, with the key: let it. DELETE: not any more. */
  #session(request: HttpRequest): HttpReply {
    const { key, now } = this.#options;
    const secure = request.header('x-forwarded-proto') === 'https';
    switch (request.method) {
      case 'GET':
        return json(200, { needsKey: key.isSet, open: !key.isSet || this.#hasPass(request) });
      case 'POST': {
        if (!key.opens(request)) return this.#count('key', key.challenge());
        // Without a key there is nothing to sign with, and nothing to show.
        const pass = key.secret === null ? '' : issuePass(key.secret, now());
        return {
          status: 204,
          headers: { 'Set-Cookie': setCookie(pass, secure), 'Cache-Control': 'no-store' },
        };
      }
      case 'DELETE':
        return { status: 204, headers: { 'Set-Cookie': setCookie('', secure), 'Cache-Control': 'no-store' } };
      default:
        return plain(405, 'only GET, POST and DELETE are allowed here', { Allow: 'GET, POST, DELETE' });
    }
  }

  #findStranger(request: HttpRequest): HttpReply | null {
    const { key } = this.#options;
    if (!key.isSet && !key.isOwnName(request))
      return this.#count('host', plain(403, 'without an admin key only localhost may be the host'));
    const origin = request.header('origin');
    // Programs send none. Whoever stands in front of this node must hand on the Host that the browser sent.
    if (origin !== null && hostOf(origin) !== request.header('host'))
      return this.#count('origin', plain(403, 'pages of this origin may not connect'));
    if (key.opens(request) || this.#hasPass(request)) return null;
    return this.#count('key', key.challenge());
  }

  #hasPass(request: HttpRequest): boolean {
    const { key, now } = this.#options;
    const { secret } = key;
    return secret !== null && passesIn(request.header('cookie')).some((pass) => isPass(secret, pass, now()));
  }

  #count(reason: Refusal, reply: HttpReply): HttpReply {
    this.#options.metrics.refused.values[reason] += 1;
    return reply;
  }
}

/** Of an origin; empty for `null` and everything else that is no address. */
function hostOf(origin: string): string {
  return URL.canParse(origin) ? new URL(origin).host : '';
}
