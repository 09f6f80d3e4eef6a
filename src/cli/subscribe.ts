/**
 * `outcry subscribe`: prints what is published, one JSON object per line, until it is told to stop.
 *
 * A gap is a line too: whoever reads the lines is told of a loss where it happened. So is the number of latest values, before
 * they come: whoever keeps them throws away what he had. What concerns the connection goes to
 * the person, on standard error.
 */
import type { Client } from '../client/client.ts';
import {
  connect,
  OutcryError,
  type Position,
  type Publication,
  type WebSocketConstructor,
} from '../client/index.ts';
import { exitCodes, UserError } from '../errors.ts';

export interface SubscribeCommand {
  channels: readonly string[];
  /** Of the public listener. */
  url: string;
  token: string | null;
  codec: 'json' | 'msgpack';
  /** Ends after this many publications; null never does. */
  count: number | null;
  /** Begins with so many publications of each channel's history. */
  last: number | null;
  /** Carries on behind this position of the only channel. */
  since: Position | null;
  /** Begins with the latest value of each key. */
  state: boolean;
  /** The payload alone, without its channel, number and time. */
  payloadOnly: boolean;
  version: string;
}

export interface SubscribeSurroundings {
  print(text: string): void;
  /** For the person, not for the program that reads the lines. */
  note(text: string): void;
  /** Resolves when the command was told to stop. */
  stopped: Promise<void>;
  WebSocket?: WebSocketConstructor;
}

/** @throws UserError with exit code 1 when a channel is refused, or the node sends the client away for good */
export async function subscribe(command: SubscribeCommand, around: SubscribeSurroundings): Promise<void> {
  if (command.since !== null && command.channels.length > 1)
    throw new UserError('--since is a position of one channel; name one');
  const client = open(command, around);
  try {
    await Promise.race([listen(client, command, around), around.stopped]);
  } catch (error) {
    if (!(error instanceof OutcryError)) throw error;
    throw new UserError(`${error.message} (${error.code} ${error.name})`, exitCodes.failure);
  } finally {
    await client.close();
  }
}

function open({ url, token, codec, version }: SubscribeCommand, around: SubscribeSurroundings): Client {
  try {
    return connect(url, {
      codec,
      name: `outcry/${version}`,
      ...(token !== null && { token }),
      ...(around.WebSocket && { WebSocket: around.WebSocket }),
    });
  } catch (error) {
    throw new UserError(error instanceof Error ? error.message : String(error));
  }
}

/** Resolves when enough was printed; rejects when nothing will come any more. */
function listen(client: Client, command: SubscribeCommand, around: SubscribeSurroundings): Promise<void> {
  const { channels, count, last, since, state, payloadOnly } = command;
  const wish = { ...(last !== null && { last }), ...(since !== null && { since }) };
  let left = count ?? Number.POSITIVE_INFINITY;
  return new Promise((resolve, reject) => {
    let everConnected = false;
    client.on('connected', ({ node, again }) => {
      everConnected = true;
      around.note(`${again ? 'connected again' : 'connected'} to ${node}`);
    });
    client.on('disconnected', ({ code, reason, retryInMs }) => {
      const what = everConnected
        ? `disconnected (${code}${reason === '' ? '' : ` ${reason}`})`
        : `no node answers at ${command.url}`;
      around.note(`${what}, trying again in ${Math.ceil(retryInMs)} ms`);
    });
    client.on('degraded', ({ channel }) =>
      around.note(`${channel}: this node does not hear the others at the moment`),
    );
    client.on('restored', ({ channel }) => around.note(`${channel}: this node hears the others again`));
    client.on('error', (error) => around.note(error.message));
    client.on('closed', ({ error }) => {
      if (error !== null) reject(error);
    });
    for (const channel of new Set(channels)) {
      const subscription = client.subscribe(channel, wish);
      const print = (publication: Publication) =>
        around.print(payloadOnly ? payloadOf(publication) : lineOf(publication));
      if (state)
        subscription.on('state', ({ reason }) => {
          const values = [...subscription.state.values()];
          if (!payloadOnly) around.print(JSON.stringify({ channel, state: values.length, reason }));
          values.forEach(print);
        });
      subscription.on('publication', (publication) => {
        if (left === 0 || (payloadOnly && publication.deleted)) return;
        print(publication);
        left -= 1;
        if (left === 0) resolve();
      });
      subscription.on('gap', ({ reason, missed }) =>
        around.print(JSON.stringify({ channel, gap: reason, missed })),
      );
      subscription.on('error', reject);
    }
  });
}

function lineOf(publication: Publication): string {
  const { channel, sequence, epoch, offset, time, kind, data, key, deleted } = publication;
  return JSON.stringify({
    channel,
    sequence,
    ...(offset !== null && { epoch, offset }),
    time,
    ...(key !== null && { key }),
    ...(deleted ? { deleted } : { [kind]: data instanceof Uint8Array ? base64(data) : data }),
  });
}

function payloadOf({ kind, data }: Publication): string {
  if (data instanceof Uint8Array) return base64(data);
  return kind === 'text' ? String(data) : JSON.stringify(data);
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64');
}
