/**
 * What a test tells a host program, and what the host tells back: one JSON value per line, over stdio.
 *
 * A line from the test is a list of commands, which the host carries out in one turn of its loop. It answers with
 * `{ event: 'done', results }`, one result per command in the same order; everything that happens to its sockets in
 * between is a line of its own. The path of a handshake, without its slash, is the name of the socket.
 */
import type { HttpReply, SendResult } from '../../src/transport/transport.ts';

/** Bytes travel in base64; text stays text. */
export type WiredPayload = { text: string } | { base64: string };

/** What the host's `handle` returns for a path; without one it upgrades. */
export type Answer = (
  | { upgrade: { subprotocol?: string; deflate?: boolean } }
  | { reply: HttpReply }
  /** The handler throws; with `later` its promise is rejected. */
  | { throws: string }
) & {
  /** The answer is a promise, which the command `decide` settles. */
  later?: boolean;
  /** Headers of which the host tells the values, as `HttpRequest.header` gives them. */
  look?: readonly string[];
};

export type Call = 'opened' | 'received' | 'controlFrame' | 'closed';

export interface ListenLimits {
  /** 64 KiB unless given. */
  maxPayloadBytes?: number;
  /** 1 MiB unless given. */
  backpressureLimitBytes?: number;
  /** False unless given. */
  compress?: boolean;
  /** False unless given. */
  shared?: boolean;
}

export type Command =
  | ({ do: 'listen'; listener: string; host?: string; port?: number } & ListenLimits)
  | { do: 'stop'; listener: string }
  | { do: 'pause'; listener: string }
  | { do: 'resume'; listener: string }
  | { do: 'answer'; path: string; answer: Answer }
  | { do: 'decide'; path: string }
  /** Carries the commands out inside the next such call of the socket's session that has none yet. */
  | { do: 'during'; socket: string; call: Call; commands: readonly Command[] }
  | { do: 'throw'; message: string }
  /** Not compressed unless it is said. */
  | { do: 'publish'; listener: string; topic: string; payload: WiredPayload; compress?: boolean }
  | { do: 'send'; socket: string; payload: WiredPayload }
  | { do: 'subscribe'; socket: string; topic: string }
  | { do: 'unsubscribe'; socket: string; topic: string }
  | { do: 'ping'; socket: string }
  | { do: 'close'; socket: string; code: number; reason: string }
  | { do: 'terminate'; socket: string }
  | { do: 'bufferedBytes'; socket: string };

/** Of `listen` the port, of `send` and `publish` what they returned, of `bufferedBytes` the number, else null. */
export type Result = number | SendResult | null | Failure;

/** The command threw. */
export interface Failure {
  threw: string;
  message: string;
}

export type HostEvent =
  | { event: 'done'; results: Result[] }
  /** The commands of a `during` were carried out. */
  | { event: 'ran'; socket: string; results: Result[] }
  | {
      event: 'asked';
      path: string;
      method: string;
      query: string;
      urlBytes: number;
      headerBytes: number;
      headers: Record<string, string | null>;
    }
  | { event: 'opened'; socket: string }
  | { event: 'received'; socket: string; payload: WiredPayload }
  | { event: 'controlFrame'; socket: string }
  | { event: 'closed'; socket: string; code: number }
  | { event: 'error'; where: 'request' | 'session'; message: string };

/** Either end of a connection knows the name of the socket. */
export interface Named {
  readonly name: string;
}

type Phrase<D extends Command['do']> = Extract<Command, { do: D }>;

export function wired(payload: string | Uint8Array): WiredPayload {
  return typeof payload === 'string'
    ? { text: payload }
    : { base64: Buffer.from(payload).toString('base64') };
}

export const publish = (
  topic: string,
  payload: string | Uint8Array,
  listener = 'main',
): Phrase<'publish'> => ({ do: 'publish', listener, topic, payload: wired(payload) });

export const send = ({ name }: Named, payload: string | Uint8Array): Phrase<'send'> => ({
  do: 'send',
  socket: name,
  payload: wired(payload),
});

export const subscribe = ({ name }: Named, topic: string): Phrase<'subscribe'> => ({
  do: 'subscribe',
  socket: name,
  topic,
});

export const unsubscribe = ({ name }: Named, topic: string): Phrase<'unsubscribe'> => ({
  do: 'unsubscribe',
  socket: name,
  topic,
});

export const ping = ({ name }: Named): Phrase<'ping'> => ({ do: 'ping', socket: name });

export const close = ({ name }: Named, code: number, reason = ''): Phrase<'close'> => ({
  do: 'close',
  socket: name,
  code,
  reason,
});

export const terminate = ({ name }: Named): Phrase<'terminate'> => ({ do: 'terminate', socket: name });

export const bufferedBytes = ({ name }: Named): Phrase<'bufferedBytes'> => ({
  do: 'bufferedBytes',
  socket: name,
});

export const during = ({ name }: Named, call: Call, ...commands: Command[]): Phrase<'during'> => ({
  do: 'during',
  socket: name,
  call,
  commands,
});

export const listen = (
  listener: string,
  options: Omit<Phrase<'listen'>, 'do' | 'listener'> = {},
): Phrase<'listen'> => ({ do: 'listen', listener, ...options });

export const decide = (path: string): Phrase<'decide'> => ({ do: 'decide', path });

export const fail = (message: string): Phrase<'throw'> => ({ do: 'throw', message });

export const stop = (listener: string): Phrase<'stop'> => ({ do: 'stop', listener });

export const pause = (listener: string): Phrase<'pause'> => ({ do: 'pause', listener });

export const resume = (listener: string): Phrase<'resume'> => ({ do: 'resume', listener });

export const answer = (path: string, given: Answer): Phrase<'answer'> => ({
  do: 'answer',
  path,
  answer: given,
});
