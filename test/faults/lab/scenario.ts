/**
 * What a scenario is: a fault, the stage that it happens on, and the lines that must hold.
 */
import type { ChannelKind } from './channel-kind.ts';
import type { LedgerReport } from './ledger.ts';
import type { Line } from './line.ts';
import type { Strain } from './strain-watch.ts';

export type Runtime = 'bun' | 'node';

/** What a scenario is given. */
export interface Surroundings {
  readonly runtime: Runtime;
  /** Kinds of channels that the build under test has. */
  readonly kinds: readonly ChannelKind[];
  /** A few seconds and few clients, or as the scoreboard says. */
  readonly short: boolean;
  /** Shorter still, for each test run: once, and no longer than it takes to see whether something is lost. */
  readonly lean: boolean;
  /** How long a scenario of the manner `long` goes on. */
  readonly minutes: number;
  readonly random: (below: number) => number;
  /** Tells people what happens now. */
  say(sentence: string): void;
  /** Runs at the end, the last one first. */
  cleanUp(undo: () => Promise<unknown>): void;
}

export interface KindResult {
  readonly kind: ChannelKind;
  readonly ledger: LedgerReport;
  /** The three columns. Null where there is nothing to tell: nobody missed anything, or nothing was late. */
  readonly lostSilently: number;
  readonly signMs: number | null;
  readonly caughtUpMs: number | null;
}

export interface Result {
  /** What the machine did to the lab itself; figures of time are no better than that. */
  readonly strain: Strain;
  /** One for each kind of channel; none for a scenario without messages. */
  readonly kinds: readonly KindResult[];
  readonly lines: readonly Line[];
}

export interface Scenario {
  /** As on the scoreboard. */
  readonly id: string;
  /** The fault in a few words. */
  readonly fault: string;
  /**
   * What may run at the same time without spoiling its figures: nothing where it measures how long others take, one that
   * works where it mostly waits itself, and the other way round. `long`: nothing either, and it is run by its own command.
   */
  readonly manner: 'alone' | 'works' | 'waits' | 'long';
  /** Why it cannot be run on this machine; null if it can. */
  whyNot?(): string | null;
  run(surroundings: Surroundings): Promise<Result>;
}
