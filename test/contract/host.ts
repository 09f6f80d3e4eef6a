/**
 * The host program of the contract suite: does with the transport of its runtime what it is told on stdin, and tells on
 * stdout what happens. It decides nothing; commands.ts has the language.
 *
 * It ends when stdin does, so it never outlives its test.
 */
import type { Payload } from '../../src/channel/publication.ts';
import { selectTransport } from '../../src/transport/select-transport.ts';
import type {
  HttpReply,
  HttpRequest,
  Listen,
  Listener,
  Socket,
  SocketSession,
  Upgrade,
} from '../../src/transport/transport.ts';
import {
  type Answer,
  type Call,
  type Command,
  type Failure,
  type HostEvent,
  type Result,
  type WiredPayload,
  wired,
} from './commands.ts';
import { onLines } from './lines.ts';

class Host {
  readonly #listen: Listen;
  readonly #listeners = new Map<string, Listener>();
  readonly #sockets = new Map<string, Socket>();
  readonly #answers = new Map<string, Answer>();
  /** What settles a promise that was given as an answer, by path. */
  readonly #undecided = new Map<string, () => void>();
  /** Commands of `during`, by call and socket, in their order. */
  readonly #planned = new Map<string, (readonly Command[])[]>();

  constructor(listen: Listen) {
    this.#listen = listen;
  }

  async turn(commands: readonly Command[]): Promise<void> {
    const results = commands.map((command) => {
      try {
        return this.#carryOut(command);
      } catch (error) {
        return failure(error);
      }
    });
    say({ event: 'done', results: await Promise.all(results) });
  }

  #carryOut(command: Command): Result | Promise<Result> {
    switch (command.do) {
      case 'listen':
        return this.#bind(command);
      case 'stop':
        this.#listener(command.listener).stop();
        return null;
      case 'pause':
        this.#listener(command.listener).pause();
        return null;
      case 'resume':
        return this.#listener(command.listener).resume() ? 'sent' : 'dropped';
      case 'answer':
        this.#answers.set(command.path, command.answer);
        return null;
      case 'decide':
        this.#undecided.get(command.path)?.();
        return null;
      case 'during':
        this.#plan(`${command.call} ${command.socket}`, command.commands);
        return null;
      case 'throw':
        throw new Error(command.message);
      case 'publish':
        return handOver(command.payload, (payload) =>
          this.#listener(command.listener).publish(command.topic, payload, command.compress ?? false),
        );
      case 'send':
        return handOver(command.payload, (payload) => this.#socket(command.socket).send(payload));
      case 'subscribe':
        this.#socket(command.socket).subscribe(command.topic);
        return null;
      case 'unsubscribe':
        this.#socket(command.socket).unsubscribe(command.topic);
        return null;
      case 'ping':
        this.#socket(command.socket).ping();
        return null;
      case 'close':
        this.#socket(command.socket).close({ code: command.code, reason: command.reason, comeBack: false });
        return null;
      case 'terminate':
        this.#socket(command.socket).terminate();
        return null;
      case 'bufferedBytes':
        return this.#socket(command.socket).bufferedBytes();
    }
  }

  async #bind({
    listener,
    host = '127.0.0.1',
    port = 0,
    maxPayloadBytes = 65_536,
    backpressureLimitBytes = 1_048_576,
    compress = false,
    shared = false,
  }: Extract<Command, { do: 'listen' }>): Promise<Result> {
    try {
      const bound = await this.#listen({
        host,
        port,
        maxPayloadBytes,
        backpressureLimitBytes,
        compress,
        shared,
        maxBodyBytes: maxPayloadBytes,
        handle: (request) => this.#handle(request),
        onError: (where, error) => say({ event: 'error', where, message: failure(error).message }),
      });
      this.#listeners.set(listener, bound);
      return bound.port;
    } catch (error) {
      return failure(error);
    }
  }

  #handle(request: HttpRequest): HttpReply | Upgrade | Promise<HttpReply | Upgrade> {
    const { path, method, query, urlBytes } = request;
    const answer = this.#answers.get(path) ?? { upgrade: {} };
    const headers = Object.fromEntries((answer.look ?? []).map((name) => [name, request.header(name)]));
    say({ event: 'asked', path, method, query, urlBytes, headerBytes: request.headerBytes(), headers });
    const settle = (): HttpReply | Upgrade => {
      if ('throws' in answer) throw new Error(answer.throws);
      if ('reply' in answer) return answer.reply;
      return { ...answer.upgrade, session: this.#session(path.slice(1)) };
    };
    if (answer.later !== true) return settle();
    return new Promise<void>((resolve) => this.#undecided.set(path, resolve)).then(settle);
  }

  #session(socket: string): SocketSession {
    return {
      opened: (opened) => {
        this.#sockets.set(socket, opened);
        say({ event: 'opened', socket });
        this.#runPlanned('opened', socket);
      },
      received: (payload) => {
        say({ event: 'received', socket, payload: wired(payload) });
        this.#runPlanned('received', socket);
      },
      controlFrame: () => {
        say({ event: 'controlFrame', socket });
        this.#runPlanned('controlFrame', socket);
      },
      closed: ({ code }) => {
        say({ event: 'closed', socket, code });
        this.#runPlanned('closed', socket);
      },
    };
  }

  #plan(key: string, commands: readonly Command[]): void {
    this.#planned.set(key, [...(this.#planned.get(key) ?? []), commands]);
  }

  #runPlanned(call: Call, socket: string): void {
    const commands = this.#planned.get(`${call} ${socket}`)?.shift();
    if (commands === undefined) return;
    // `listen` is the only command with a promise, and nothing that happens within a handler.
    const results = commands.map((command) => this.#carryOut(command) as Result);
    say({ event: 'ran', socket, results });
  }

  #listener(name: string): Listener {
    const listener = this.#listeners.get(name);
    if (listener === undefined) throw new Error(`no listener ${name}`);
    return listener;
  }

  #socket(name: string): Socket {
    const socket = this.#sockets.get(name);
    if (socket === undefined) throw new Error(`no socket ${name}`);
    return socket;
  }
}

/** Bytes are wiped after the call: the transport has promised to copy what it keeps. */
function handOver(wiredPayload: WiredPayload, call: (payload: Payload) => Result): Result {
  if ('text' in wiredPayload) return call(wiredPayload.text);
  const bytes = new Uint8Array(Buffer.from(wiredPayload.base64, 'base64'));
  const result = call(bytes);
  bytes.fill(0xff);
  return result;
}

function failure(error: unknown): Failure {
  const { name, message } = error as Error;
  return { threw: name, message };
}

function say(event: HostEvent): void {
  process.stdout.write(`${JSON.stringify(event)}\n`);
}

const host = new Host(await selectTransport());
onLines(process.stdin, (commands) => void host.turn(commands as Command[]));
process.stdin.on('end', () => process.exit());
