/**
 * Very many connections to one address, in as many processes as the limit of descriptors demands, as one.
 *
 * Handshakes are paced by how many are under way, never by a rate: a listen backlog is never overrun, however slow the
 * server is. Processes open their share two at a time; all of them answer pings and count all the time.
 */
import { fileURLToPath } from 'node:url';
import { type Latency, mergedLatency } from '../generator/latency.ts';
import type { Target } from '../generator/messages.ts';
import { ipv4 } from './address.ts';
import { connectionsPerProcess } from './capacity.ts';
import type { CrowdReport, Order, Progress, Said } from './orders.ts';

/** Processes that open connections at once, and handshakes under way in each: together half of the smallest backlog, 512. */
const openingAtOnce = 2;
const parallelHandshakes = 128;

/** One pair of addresses has 28,000 ports; with so few connections each, a free one is found at once. */
const addressesPerProcess = 250;
const firstAddress = ipv4('127.1.0.1');
/** One process, one /24. */
const addressStride = 256;

const file = fileURLToPath(new URL('crowd-process.ts', import.meta.url));

export interface Standing {
  joined: number;
  closed: number;
  received: number;
  failures: Record<string, number>;
}

export interface Reception extends Omit<CrowdReport, 'type' | 'latency'> {
  /** Null if nothing came. */
  latency: Latency | null;
}

export class Crowd {
  readonly #members: CrowdMember[] = [];
  readonly #descriptorLimit: number;
  #stopped = false;

  constructor(descriptorLimit: number) {
    this.#descriptorLimit = descriptorLimit;
  }

  get pids(): number[] {
    return this.#members.map(({ pid }) => pid);
  }

  /**
   * Opens so many and resolves when all have joined.
   *
   * @throws Error if too many handshakes fail, or `stop` was called
   */
  async connect(target: Target, recordBytes: number, connections: number): Promise<void> {
    const processes = Math.ceil(connections / connectionsPerProcess(this.#descriptorLimit));
    const shares = Array.from({ length: processes }, (_, i) => Math.floor((connections + i) / processes));
    let next = 0;
    const opening = async () => {
      while (next < processes && !this.#stopped) {
        const index = next++;
        const process = new CrowdMember();
        this.#members.push(process);
        await process.ask(
          {
            type: 'connect',
            ...{ target, recordBytes, connections: shares[index] as number, parallel: parallelHandshakes },
            sourceAddress: firstAddress + index * addressStride,
            sourceAddresses: addressesPerProcess,
          },
          'connected',
        );
      }
    };
    await Promise.all(Array.from({ length: openingAtOnce }, opening));
  }

  /** Records of that run and size count from now on. */
  async expect(run: number, recordBytes: number): Promise<void> {
    await this.#ask({ type: 'expect', run, recordBytes }, 'expecting');
  }

  /** As it was known some milliseconds ago. */
  get standing(): Standing {
    const sum: Standing = { joined: 0, closed: 0, received: 0, failures: {} };
    for (const { progress } of this.#members) {
      sum.joined += progress.joined;
      sum.closed += progress.closed;
      sum.received += progress.received;
      for (const [reason, count] of Object.entries(progress.failures))
        sum.failures[reason] = (sum.failures[reason] ?? 0) + count;
    }
    return sum;
  }

  /** What has come since `expect`. */
  async report(): Promise<Reception> {
    const reports = await this.#ask({ type: 'report' }, 'report');
    const sum = (pick: (report: CrowdReport) => number) =>
      reports.reduce((total, report) => total + pick(report), 0);
    const some = reports.filter(({ firstAt }) => firstAt !== null);
    const latencies = some.map(({ latency }) => latency);
    return {
      received: sum(({ received }) => received),
      duplicates: sum(({ duplicates }) => duplicates),
      gaps: sum(({ gaps }) => gaps),
      corrupted: sum(({ corrupted }) => corrupted),
      foreign: sum(({ foreign }) => foreign),
      pings: sum(({ pings }) => pings),
      firstAt: some.length === 0 ? null : Math.min(...some.map(({ firstAt }) => firstAt as number)),
      lastAt: some.length === 0 ? null : Math.max(...some.map(({ lastAt }) => lastAt as number)),
      latency: latencies.length === 0 ? null : mergedLatency(latencies as [string, ...string[]]),
    };
  }

  /** Ends all of them at once; their connections are reset. */
  async stop(): Promise<void> {
    this.#stopped = true;
    await Promise.all(this.#members.map((member) => member.stop()));
  }

  #ask<Type extends Said['type']>(order: Order, type: Type): Promise<Extract<Said, { type: Type }>[]> {
    return Promise.all(this.#members.map((member) => member.ask(order, type)));
  }
}

interface Waiting {
  type: string;
  resolve(said: Said): void;
  reject(error: Error): void;
}

/** One process, and what it said last about itself. */
class CrowdMember {
  progress: Progress = { type: 'progress', joined: 0, closed: 0, failures: {}, received: 0 };
  readonly #process: Bun.Subprocess<'pipe', 'pipe', 'inherit'>;
  #waiting: Waiting[] = [];

  constructor() {
    this.#process = Bun.spawn([process.execPath, '--no-env-file', file], {
      stdio: ['pipe', 'pipe', 'inherit'],
      onExit: (_process, code, signal) =>
        this.#fail(new Error(`a process of the crowd ended with ${signal ?? code}`)),
    });
    void this.#listen();
  }

  get pid(): number {
    return this.#process.pid;
  }

  ask<Type extends Said['type']>(order: Order, type: Type): Promise<Extract<Said, { type: Type }>> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ type, resolve: resolve as (said: Said) => void, reject });
      this.#process.stdin.write(`${JSON.stringify(order)}\n`);
      this.#process.stdin.flush();
    });
  }

  async stop(): Promise<void> {
    this.#process.kill('SIGKILL'); // It keeps nothing.
    await this.#process.exited;
  }

  async #listen(): Promise<void> {
    let rest = '';
    const decoder = new TextDecoder();
    for await (const piece of this.#process.stdout) {
      const lines = (rest + decoder.decode(piece, { stream: true })).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) this.#heard(JSON.parse(line) as Said);
    }
  }

  #heard(said: Said): void {
    if (said.type === 'progress') this.progress = said;
    else if (said.type === 'failed') this.#fail(new Error(said.reason));
    else {
      // What it said of the run before is over.
      if (said.type === 'expecting') this.progress = { ...this.progress, received: 0 };
      const index = this.#waiting.findIndex(({ type }) => type === said.type);
      if (index !== -1) this.#waiting.splice(index, 1)[0]?.resolve(said);
    }
  }

  #fail(error: Error): void {
    for (const { reject } of this.#waiting.splice(0)) reject(error);
  }
}
