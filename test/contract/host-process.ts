/**
 * A host program that runs: a test tells it what to do, takes what happened from it in any order, and connects to it.
 */
import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import type { Readable, Writable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { findBun } from '../../bin/find-bun.mjs';
import { TestClient } from '../support/client.ts';
import { endsWithUs } from '../support/leftovers.ts';
import { openRaw, RawPeer } from '../support/raw-peer.ts';
import { type Runtime, runtime } from '../support/runtimes.ts';
import {
  type Command,
  type HostEvent,
  type ListenLimits,
  listen,
  type Named,
  type Result,
} from './commands.ts';
import { onLines } from './lines.ts';

/** One connection seen from its client; the host knows its socket by the name. */
export interface Connected extends Named {
  readonly client: TestClient;
}

export interface ConnectedRaw extends Named {
  readonly peer: RawPeer;
}

const program = fileURLToPath(new URL('host.ts', import.meta.url));

const command: Readonly<Record<Runtime, readonly [string, ...string[]]>> = {
  bun: [findBun() ?? 'bun', '--no-env-file', program],
  node: [process.execPath, '--import', 'tsx', program],
};

type EventOf<E extends HostEvent['event']> = Extract<HostEvent, { event: E }>;

export class HostProcess {
  /** Of the listener `main`, which every host has. */
  port = 0;
  readonly #process: ChildProcessByStdio<Writable, Readable, null>;
  readonly #exited: Promise<unknown>;
  /** What happened and was not taken yet. */
  readonly #events: HostEvent[] = [];
  #ended = false;
  #wake: (() => void)[] = [];
  #sockets = 0;

  private constructor() {
    const [executable, ...args] = command[runtime];
    this.#process = spawn(executable, args, { stdio: ['pipe', 'pipe', 'inherit'] });
    this.#exited = once(this.#process, 'exit');
    endsWithUs(this.#process);
    onLines(this.#process.stdout, (event) => {
      this.#events.push(event as HostEvent);
      this.#look();
    });
    this.#process.stdout.on('close', () => {
      this.#ended = true;
      this.#look();
    });
  }

  static async start(limits: ListenLimits = {}): Promise<HostProcess> {
    const host = new HostProcess();
    const [port] = await host.turn(listen('main', limits));
    if (typeof port !== 'number') throw new Error(`the host cannot listen: ${JSON.stringify(port)}`);
    host.port = port;
    return host;
  }

  /** Has the commands carried out in one turn of the host's loop. */
  async turn(...commands: Command[]): Promise<Result[]> {
    this.#process.stdin.write(`${JSON.stringify(commands)}\n`);
    return (await this.event('done')).results;
  }

  /** Takes the next event of a kind, or of several kinds; of one socket, or the request for it, if that is named. */
  async event<E extends HostEvent['event']>(kind: E | readonly E[], of?: Named): Promise<EventOf<E>> {
    const kinds: readonly string[] = [kind].flat();
    for (;;) {
      const at = this.#events.findIndex(
        (candidate) => kinds.includes(candidate.event) && (of === undefined || isOf(candidate, of)),
      );
      if (at !== -1) return this.#events.splice(at, 1)[0] as EventOf<E>;
      if (this.#ended) throw new Error(`the host ended before ${kind} of ${of?.name ?? 'anybody'}`);
      await new Promise<void>((resolve) => this.#wake.push(resolve));
    }
  }

  /** Takes all events of a socket that are here already. */
  events(of: Named): HostEvent[] {
    const all = this.#events.splice(0);
    this.#events.push(...all.filter((event) => !isOf(event, of)));
    return all.filter((event) => isOf(event, of));
  }

  /** A name that no socket of this host has had. */
  newName(): string {
    this.#sockets += 1;
    return `socket-${this.#sockets}`;
  }

  async connect({ port = this.port, name = this.newName() } = {}): Promise<Connected> {
    const client = await TestClient.open(`ws://127.0.0.1:${port}/${name}`);
    await this.#isOpen({ name });
    return { name, client };
  }

  async connectRaw({
    port = this.port,
    name = this.newName(),
    headers = {},
  }: {
    port?: number;
    name?: string;
    headers?: Record<string, string>;
  } = {}): Promise<ConnectedRaw> {
    const peer = await openRaw(port, { target: `/${name}`, headers });
    await this.#isOpen({ name });
    return { name, peer };
  }

  /** Sends a request; the head of the answer may take its time. */
  ask(bytes: Buffer): { peer: RawPeer; head: Promise<string> } {
    const peer = new RawPeer(this.port);
    peer.send(bytes);
    return { peer, head: peer.head() };
  }

  /** The most memory that it has ever had. */
  peakBytes(): number {
    const status = readFileSync(`/proc/${this.#process.pid}/status`, 'utf8');
    return Number(/^VmHWM:\s+(\d+) kB/m.exec(status)?.[1]) * 1_024;
  }

  /** Ends it, and everything that is connected to it. */
  async stop(): Promise<void> {
    this.#process.stdin.end();
    await this.#exited;
  }

  async #isOpen(socket: Named): Promise<void> {
    await this.event('asked', socket);
    await this.event('opened', socket);
  }

  #look(): void {
    for (const wake of this.#wake.splice(0)) wake();
  }
}

function isOf(event: HostEvent, { name }: Named): boolean {
  if (event.event === 'asked') return event.path === `/${name}`;
  return 'socket' in event && event.socket === name;
}
