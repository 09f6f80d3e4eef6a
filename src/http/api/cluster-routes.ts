/**
 * The API's questions about nodes, channels and connections, and the order to end one.
 */
import type { z } from 'zod';
import { channelNameRule, isChannelName } from '../../channel/channel-name.ts';
import type { Operator } from '../../operator.ts';
import type { HttpReply, HttpRequest } from '../../transport/transport.ts';
import { json } from '../reply.ts';
import { bodyAborted, refusalReply, refuse } from './api-error.ts';
import { mediaTypeOf } from './media-type.ts';
import { channelsQuery, countsQuery, disconnectSchema } from './schemas.ts';

/** Longer than any order to disconnect. */
const maxOrderBytes = 4_096;

export class ClusterRoutes {
  readonly #operator: Operator;

  constructor(operator: Operator) {
    this.#operator = operator;
  }

  counts(request: HttpRequest): HttpReply | Promise<HttpReply> {
    const query = parse(countsQuery, queryOf(request));
    if ('refusal' in query) return refusalReply(query.refusal);
    if (query.value.channel !== undefined) return this.channel(query.value.channel);
    const nodes = this.#operator.nodes();
    const told = nodes.flatMap(({ counts }) => (counts === null ? [] : [counts]));
    const sum = (key: 'connections' | 'subscriptions') =>
      told.reduce((total, counts) => total + counts[key], 0);
    return json(200, {
      node: this.#operator.countsHere(),
      cluster: {
        nodes: nodes.length,
        connections: sum('connections'),
        subscriptions: sum('subscriptions'),
        complete: this.#operator.reachesOthers && told.length === nodes.length,
      },
    });
  }

  async channel(channel: string): Promise<HttpReply> {
    if (!isChannelName(channel)) return badChannel();
    const [{ value, complete }, position] = await Promise.all([
      this.#operator.subscribers(channel),
      this.#operator.position(channel),
    ]);
    const node = this.#operator.subscribersHere(channel);
    return json(200, { channel, subscribers: { node, cluster: value }, ...position, complete });
  }

  /** The same by path, percent-encoded. */
  channelByPath(encoded: string): HttpReply | Promise<HttpReply> {
    try {
      return this.channel(decodeURIComponent(encoded));
    } catch {
      return badChannel();
    }
  }

  async channels(request: HttpRequest): Promise<HttpReply> {
    const query = parse(channelsQuery, queryOf(request));
    if ('refusal' in query) return refusalReply(query.refusal);
    const { prefix, limit, cursor, scope } = query.value;
    const page = { prefix, after: cursor, limit };
    const { value, complete } =
      scope === 'node'
        ? { value: this.#operator.channelsHere(page), complete: true }
        : await this.#operator.channels(page);
    const last = value.length < limit ? undefined : value.at(-1);
    return json(200, { channels: value, cursor: last?.channel ?? null, complete });
  }

  nodes(): HttpReply {
    return json(200, { nodes: this.#operator.nodes() });
  }

  async disconnect(request: HttpRequest): Promise<HttpReply> {
    // A page of another origin can send text or a form without asking, but no JSON.
    if (mediaTypeOf(request.header('content-type')) !== 'application/json')
      return refusalReply(
        refuse('bad_request', 'the Content-Type must be application/json', { status: 415 }),
      );
    const body = await request.readBody(maxOrderBytes).catch(() => null);
    if (body === null) return refusalReply(bodyAborted);
    if (body === 'too large')
      return refusalReply(refuse('payload_too_big', `the body may have ${maxOrderBytes} bytes`));
    const order = parse(disconnectSchema, parseJson(body));
    if ('refusal' in order) return refusalReply(order.refusal);
    switch (await this.#operator.disconnect(order.value.connection, order.value.comeBack)) {
      case 'disconnected':
        return json(200, { disconnected: true });
      case 'not there':
        return refusalReply(refuse('bad_request', 'there is no such connection', { status: 404 }));
      case 'unknown':
        return refusalReply(refuse('outcome_unknown', 'the node of this connection did not answer'));
    }
  }
}

function badChannel(): HttpReply {
  return refusalReply(refuse('bad_channel', channelNameRule));
}

/** A parameter that is repeated counts as its last. */
function queryOf(request: HttpRequest): unknown {
  return Object.fromEntries(new URLSearchParams(request.query));
}

/** Undefined for what is not JSON, which no schema takes. */
function parseJson(body: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(body));
  } catch {
    return undefined;
  }
}

function parse<Value>(schema: z.ZodType<Value>, raw: unknown) {
  const parsed = schema.safeParse(raw);
  if (parsed.success) return { value: parsed.data };
  const [issue] = parsed.error.issues;
  const where = issue === undefined || issue.path.length === 0 ? '' : `${issue.path.join('.')}: `;
  return { refusal: refuse('bad_request', `${where}${issue?.message ?? 'it is not what it must be'}`) };
}
