/**
 * One process that is kept running: when it ends it is started again, after a pause if it did not live long.
 */
import type { ChildProcess } from 'node:child_process';
import type { Clock, Timer } from '../clock.ts';
import type { ChildMessage, Listening, MetricsQuestion } from './child-messages.ts';
import { RestartPauses } from './restart-pauses.ts';

/** How long an answer of a process is waited for. */
const answerTimeoutMs = 1_000;

/** How a process ended. */
export interface Ending {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly livedMs: number;
  /** Until it is started again; null if it is not. */
  readonly pauseMs: number | null;
}

export interface KeptProcessOptions {
  /** Starts it, with a channel for messages. */
  spawn(): ChildProcess;
  clock: Clock;
  random(): number;
  onListening(pid: number, listening: Listening): void;
  onEnd(ending: Ending): void;
  /** It ended before it listened for the first time, and would again: with this code the host cannot start. */
  isHopeless(code: number | null): boolean;
}

export class KeptProcess {
  readonly #options: KeptProcessOptions;
  readonly #pauses: RestartPauses;
  /** Resolves when it listens for the first time; rejects when that is hopeless. */
  readonly started: Promise<void>;
  #child: ChildProcess | null = null;
  #adminPort: number | null = null;
  #listens = false;
  #everListened = false;
  #stopping = false;
  #restart: Timer | null = null;
  #restarts = 0;
  #lastId = 0;
  readonly #answers = new Map<number, (text: string | null) => void>();
  #hasStarted: () => void = () => {};
  #cannotStart: (ending: Hopeless) => void = () => {};
  #ended: Promise<void> = Promise.resolve();

  constructor(options: KeptProcessOptions) {
    this.#options = options;
    this.#pauses = new RestartPauses(options.random);
    this.started = new Promise((resolve, reject) => {
      this.#hasStarted = resolve;
      this.#cannotStart = reject;
    });
    // Whoever does not wait for it is told by `onEnd`.
    this.started.catch(() => {});
  }

  /** It runs and can do its work. */
  get listens(): boolean {
    return this.#listens;
  }

  get adminPort(): number | null {
    return this.#adminPort;
  }

  /** How often it was started again. */
  get restarts(): number {
    return this.#restarts;
  }

  start(): void {
    const { spawn, clock } = this.#options;
    const startedAt = clock.now();
    const child = spawn();
    this.#child = child;
    child.on('message', (message) => this.#take(message as ChildMessage));
    this.#ended = new Promise((resolve) => {
      const ended = (code: number | null, signal: NodeJS.Signals | null) => {
        if (child !== this.#child) return;
        this.#end(code, signal, clock.now() - startedAt);
        resolve();
      };
      child.on('exit', ended);
      // It could not be started at all.
      child.on('error', () => ended(null, null));
    });
  }

  /** Its metrics; null if it does not answer in time. Never rejects. */
  async metricsText(): Promise<string | null> {
    const child = this.#child;
    if (child === null || !this.#listens || !child.connected) return null;
    this.#lastId += 1;
    const question: MetricsQuestion = { type: 'metrics', id: this.#lastId };
    return await new Promise((resolve) => {
      const settle = (text: string | null) => {
        timer.cancel();
        this.#answers.delete(question.id);
        resolve(text);
      };
      const timer = this.#options.clock.after(answerTimeoutMs, () => settle(null));
      this.#answers.set(question.id, settle);
      // It may end at this moment; then nobody answers.
      child.send(question, () => {});
    });
  }

  /** Tells it to end, by a signal, or by closing the channel; it is not started again. Resolves when it is gone. */
  async stop(how: NodeJS.Signals | 'disconnect'): Promise<void> {
    this.#stopping = true;
    this.#restart?.cancel();
    if (how !== 'disconnect') this.#child?.kill(how);
    else if (this.#child?.connected === true) this.#child.disconnect();
    await this.#ended;
  }

  #take(message: ChildMessage): void {
    if (message.type === 'metrics') {
      this.#answers.get(message.id)?.(message.text);
      return;
    }
    this.#adminPort = message.adminPort;
    this.#listens = true;
    this.#everListened = true;
    this.#options.onListening(this.#child?.pid ?? 0, message);
    this.#hasStarted();
  }

  #end(code: number | null, signal: NodeJS.Signals | null, livedMs: number): void {
    const { clock, onEnd, isHopeless } = this.#options;
    this.#child = null;
    this.#listens = false;
    this.#adminPort = null;
    for (const settle of this.#answers.values()) settle(null);
    const hopeless = !this.#everListened && isHopeless(code);
    const pauseMs = this.#stopping || hopeless ? null : this.#pauses.next(livedMs);
    onEnd({ code, signal, livedMs, pauseMs });
    if (hopeless) this.#cannotStart(new Hopeless(code));
    if (pauseMs === null) return;
    this.#restart = clock.after(pauseMs, () => {
      this.#restarts += 1;
      this.start();
    });
  }
}

/** A process cannot start, and would not the next time. */
export class Hopeless extends Error {
  readonly code: number | null;

  constructor(code: number | null) {
    super(`it ended with ${code} before it listened`);
    this.code = code;
  }
}
