/**
 * Puts together a host of several workers: their relay, the workers that share the public port, and the admin listener in front
 * of theirs. Keeps them running, and takes them apart again.
 *
 *     host ─┬─ relay ─ Redis, if there is one
 *           ├─ worker 0 ─ public port, relay
 *           ├─ worker 1 ─ public port, relay
 *           └─ admin listener
 *
 * All processes are of the same program, with the same settings: the file of settings is read once, and a copy of it lies
 * beside the socket of the relay, in a folder that only this user may enter. A worker or the relay that is started again
 * later has what the others have.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '../clock.ts';
import type { LoadedSettings } from '../config/load-settings.ts';
import { type ExitCode, exitCodes, UserError } from '../errors.ts';
import { HostAdmin } from '../http/host-admin.ts';
import { type Ending, Hopeless, KeptProcess } from '../lifecycle/kept-process.ts';
import type { Logger } from '../logger.ts';
import { Exposition } from '../metrics/exposition.ts';
import { HostMetrics } from '../metrics/host-metrics.ts';
import { claimPort } from '../transport/claim-port.ts';
import { listenError } from '../transport/listen-error.ts';

/** Processes of a host that start at the same time: more would only wait for each other. */
const startingTogether = 2 * availableParallelism();
/** What a worker may take beyond its own limits for stopping before it is killed. */
const stopGraceMs = 5_000;
/** What the relay gets to hand on what is left. */
const relayStopMs = 2_000;
/** The name of a node may have 64 characters, and each process of the host adds a few. */
const maxNameLength = 56;

/** Of the folder in which socket and settings of a host lie. */
export const hostFolderPrefix = 'outcry-host-';

/** How this program is started: the runtime, its own flags and the file, and what was asked of it. */
export interface OwnProgram {
  readonly file: string;
  readonly args: readonly string[];
  /** Flags behind the name of the command. */
  readonly flags: readonly string[];
}

export interface WorkersOptions {
  loaded: LoadedSettings;
  /** How many. */
  count: number;
  nodeId: string;
  logger: Logger;
  program: OwnProgram;
}

/** A host whose processes are being started, or run. */
export interface Workers {
  readonly port: number;
  /**
   * Resolves with the port of the admin listener when all workers listen, or the host was stopped.
   *
   * @throws UserError when a process cannot start or the port cannot be bound; nothing is left running then
   */
  readonly listening: Promise<number>;
  /** As each worker stops, all at once; then the relay. */
  stop(how?: { atOnce?: boolean }): Promise<void>;
  /** Ends all processes without a word. */
  kill(): void;
}

/** @throws UserError when the public port cannot be bound */
export async function startWorkers(options: WorkersOptions): Promise<Workers> {
  const { settings } = options.loaded;
  const port = await claimPort(settings.host, settings.port);
  const folder = mkdtempSync(join(tmpdir(), hostFolderPrefix));
  const host = new Host(options, port, folder);
  return { port, listening: host.start(), stop: (how) => host.stop(how), kill: () => host.kill() };
}

class Host {
  readonly #options: WorkersOptions;
  readonly #folder: string;
  /** The copy of the settings file, and what stands in it. */
  readonly #config: string;
  readonly #configContent: string;
  readonly #metrics = new HostMetrics();
  readonly #exposition = new Exposition(this.#metrics);
  readonly #relay: KeptProcess;
  readonly #workers: readonly KeptProcess[];
  #admin: HostAdmin | null = null;
  #stopping = false;

  constructor(options: WorkersOptions, port: number, folder: string) {
    const { loaded, count, nodeId } = options;
    this.#options = options;
    this.#folder = folder;
    const { file } = loaded;
    this.#config = join(folder, 'outcry.config.json');
    this.#configContent = file === null ? '{}' : readFileSync(file, 'utf8');
    const name = nodeId.slice(0, maxNameLength);
    const common = ['--config', this.#config, '--relay-socket', join(folder, 'relay.sock')];
    this.#relay = this.#keep('relay', ['relay', ...common, '--node-id', `${name}-relay`]);
    this.#workers = Array.from({ length: count }, (_, index) =>
      this.#keep(String(index), [
        ...['worker', ...common, '--node-id', `${name}-${index}`, '--port', String(port)],
        // Behind ours.
        ...['--admin-host', '127.0.0.1', '--admin-port', '0'],
      ]),
    );
    this.#metrics.workers.value = count;
  }

  async start(): Promise<number> {
    const { adminHost: host, adminPort: port } = this.#options.loaded.settings;
    try {
      // First, since it may be taken.
      this.#admin = await HostAdmin.start({
        ...{ host, port },
        workers: () => this.#adminPorts(),
        metricsTexts: () => this.#metricsTexts(),
      }).catch((error) => {
        throw listenError(error, { host, port });
      });
      await this.#startProcesses();
      return this.#admin.port;
    } catch (error) {
      this.kill();
      if (!(error instanceof Hopeless)) throw error;
      throw new UserError('a process of this host cannot start; it has said why', codeOf(error));
    }
  }

  async stop({ atOnce = false } = {}): Promise<void> {
    const { drainDelayMs, drainWindowMs, shutdownTimeoutMs } = this.#options.loaded.settings;
    const patience = drainDelayMs + drainWindowMs + shutdownTimeoutMs + stopGraceMs;
    this.#stopping = true;
    await within(patience, this.#workers, atOnce ? 'SIGINT' : 'SIGTERM');
    await within(relayStopMs, [this.#relay], 'disconnect');
    this.#admin?.stop();
    rmSync(this.#folder, { recursive: true, force: true });
  }

  kill(): void {
    this.#stopping = true;
    for (const process of [...this.#workers, this.#relay]) void process.stop('SIGKILL');
    this.#admin?.stop();
    rmSync(this.#folder, { recursive: true, force: true });
  }

  /** The relay, then the workers, a few at a time. */
  async #startProcesses(): Promise<void> {
    this.#relay.start();
    await this.#relay.started;
    const waiting = [...this.#workers];
    const startNext = async (): Promise<void> => {
      const worker = waiting.shift();
      if (worker === undefined || this.#stopping) return;
      worker.start();
      await worker.started;
      await startNext();
    };
    await Promise.all(Array.from({ length: startingTogether }, startNext));
  }

  #adminPorts(): number[] {
    return this.#workers.flatMap(({ adminPort }) => adminPort ?? []);
  }

  async #metricsTexts(): Promise<Map<string, string>> {
    const texts = new Map([['host', await this.#exposition.text()]]);
    const asked = [...this.#workers, this.#relay].map((process) => process.metricsText());
    for (const [index, text] of (await Promise.all(asked)).entries())
      if (text !== null) texts.set(index < this.#workers.length ? String(index) : 'relay', text);
    return texts;
  }

  #keep(label: string, args: readonly string[]): KeptProcess {
    const { program, logger } = this.#options;
    const [command = '', ...flags] = args;
    return new KeptProcess({
      // Ours win over those that the user gave.
      spawn: () => {
        this.#writeConfig();
        return start(program.file, [...program.args, command, ...program.flags, ...flags]);
      },
      clock: systemClock,
      random: Math.random,
      onListening: (pid, { adminPort }) => {
        this.#count();
        const fields = {
          worker: label,
          workerPid: pid,
          ...(adminPort === null ? {} : { workerAdminPort: adminPort }),
        };
        logger.info(fields, 'a process of this host can work');
      },
      onEnd: (ending) => this.#ended(label, ending),
      isHopeless: (code) => code === exitCodes.usage || code === exitCodes.cannotListen,
    });
  }

  /** Each time anew: what lies in a folder for temporary files may be tidied away after days. */
  #writeConfig(): void {
    mkdirSync(this.#folder, { recursive: true, mode: 0o700 });
    writeFileSync(this.#config, this.#configContent, { mode: 0o600 });
  }

  #ended(label: string, { code, signal, livedMs, pauseMs }: Ending): void {
    const { logger } = this.#options;
    this.#count();
    if (pauseMs === null) return;
    this.#metrics.restarts.values[label === 'relay' ? 'relay' : 'worker'] += 1;
    const fields = {
      worker: label,
      code,
      signal,
      livedMs: Math.round(livedMs),
      pauseMs: Math.round(pauseMs),
    };
    logger.error(fields, 'a process of this host ended: it is started again');
  }

  #count(): void {
    this.#metrics.workersListening.value = this.#workers.filter(({ listens }) => listens).length;
  }
}

function start(file: string, args: readonly string[]): ChildProcess {
  return spawn(file, args, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
}

/** Stops processes, and kills those that are not gone in time. */
async function within(
  ms: number,
  processes: readonly KeptProcess[],
  how: Parameters<KeptProcess['stop']>[0],
): Promise<void> {
  const timer = systemClock.after(ms, () => {
    for (const process of processes) void process.stop('SIGKILL');
  });
  await Promise.all(processes.map((process) => process.stop(how)));
  timer.cancel();
}

function codeOf({ code }: Hopeless): ExitCode {
  return code === exitCodes.cannotListen ? exitCodes.cannotListen : exitCodes.usage;
}
