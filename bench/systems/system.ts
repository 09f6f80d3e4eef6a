/**
 * What can be measured: something that takes messages from a publisher and hands them to subscribers.
 *
 * A new one needs a file that starts it and a line in `catalogue.ts`; if it does not speak bare WebSocket messages, also
 * a dialect in `generator/dialects/`.
 */
import type { Target } from '../generator/messages.ts';
import type { Running } from './running.ts';

export type Runtime = 'bun' | 'node';
export type Codec = 'raw' | 'json' | 'msgpack';

export interface System {
  /** As in `--systems`. */
  readonly name: string;
  /** Name of the bare publish of the same runtime, which it is compared with; its own name if it is that. */
  readonly bare: string;
  /** Set for a node of this project: the bars are about these. */
  readonly ours?: { readonly runtime: Runtime; readonly codec: Codec };
  /** Nodes that share the subscribers, if there is more than one: each gets as many as one alone. */
  readonly nodes?: number;
  /** A subscriber can hear many channels, and a publisher speak in them. */
  readonly manyChannels: boolean;
  /** Why it cannot be started on this machine, in a sentence, with what to do about it; null if it can. */
  missing(): string | null;
  /** Starts it on free ports. Resolves when it listens. */
  start(options: StartOptions): Promise<RunningSystem>;
}

export interface StartOptions {
  /** Whatever is started stands in here from the first moment, so that Ctrl-C finds it. */
  running: Running;
  /** It must be able to collect its garbage when asked. */
  collectable?: boolean;
}

export interface RunningSystem {
  readonly publishTo: Target;
  /** Used in turn. */
  readonly subscribeTo: readonly Target[];
  /** How it was started, for the record. */
  readonly command: string;
  /** The processes whose CPU and memory are its cost. */
  readonly pids: readonly number[];
  /** Processes around them, by what they are: their CPU is told apart. */
  readonly around?: Readonly<Record<string, readonly number[]>>;
  /** What it has counted so far, by name. */
  counters?(): Promise<Readonly<Record<string, number>>>;
  /**
   * Resolves when it has collected its garbage, with the resident bytes that stand empty for new objects; only if it was
   * started collectable.
   */
  collectGarbage(): Promise<number>;
  stop(): Promise<void>;
}
