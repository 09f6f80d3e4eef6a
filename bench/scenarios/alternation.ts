/**
 * Who runs when, and how the figures of a system stand to those of the bare publish of its runtime.
 *
 * Each round runs every system once and the bare ones twice; the next round runs in reverse order, so that a machine that
 * gets slower or faster does so for all. What the two runs of a bare one are apart is the spread.
 */
import { median } from '../report/median.ts';
import { ratioOf, spreadOf } from '../report/ratio.ts';
import type { System } from '../systems/system.ts';

/** What stands beside something bare. */
export type Compared = Pick<System, 'name' | 'bare'>;

export interface Turn<Sys extends Compared = System> {
  /** For people: the system's name, with ` again` for the second run of a bare one. */
  readonly name: string;
  readonly system: Sys;
}

/** NaN if the bare one was not among the systems. */
export interface Comparison {
  /** Median of own / bare over the rounds. */
  ratio: number;
  /** What two runs of the bare one are apart; 0.04 is 4 %. */
  spread: number;
}

export class Alternation<Run, Sys extends Compared = System> {
  readonly turns: readonly Turn<Sys>[];
  readonly #runs = new Map<string, Run[]>();

  constructor(systems: readonly Sys[]) {
    this.turns = systems.flatMap((system) => [
      { system, name: system.name },
      ...(system.name === system.bare ? [{ system, name: againName(system) }] : []),
    ]);
    for (const { name } of this.turns) this.#runs.set(name, []);
  }

  async run(rounds: number, measure: (turn: Turn<Sys>, round: number) => Promise<Run>): Promise<void> {
    for (let round = 0; round < rounds; round += 1)
      for (const turn of round % 2 === 0 ? this.turns : this.turns.toReversed())
        this.runsOf(turn.name).push(await measure(turn, round));
  }

  /** In the order of the rounds. */
  runsOf(name: string): Run[] {
    return this.#runs.get(name) ?? [];
  }

  /** All runs that a comparison of this turn stands on. */
  comparedRunsOf(turn: Turn<Sys>, other = turn.system.bare): Run[] {
    return comparedNames(turn, other).flatMap((name) => this.runsOf(name));
  }

  /** The same with only those rounds in which every run that a comparison of this turn stands on counts. */
  whereAllCount(turn: Turn<Sys>, other: string, counts: (run: Run) => boolean): Alternation<Run, Sys> {
    const compared = comparedNames(turn, other).map((name) => this.runsOf(name));
    const kept = new Alternation<Run, Sys>([]);
    for (const [name, runs] of this.#runs)
      kept.#runs.set(
        name,
        runs.filter((_, round) => compared.every((each) => each[round] === undefined || counts(each[round]))),
      );
    return kept;
  }

  compare({ name, system }: Turn<Sys>, figure: (run: Run) => number): Comparison {
    return this.compareWith({ name, system }, system.bare, figure);
  }

  /** Beside another system than the bare one; the spread is still that of the bare one. */
  compareWith({ name, system }: Turn<Sys>, other: string, figure: (run: Run) => number): Comparison {
    const own = this.runsOf(name).map(figure);
    const bare = this.runsOf(system.bare).map(figure);
    const again = this.runsOf(againName({ name: system.bare })).map(figure);
    // The bare one ran twice, so each round has the mean of both.
    const theirs =
      other === system.bare
        ? bare.map((each, round) => (each + (again[round] as number)) / 2)
        : this.runsOf(other).map(figure);
    return { ratio: ratioOf(own, theirs), spread: spreadOf(again, bare) };
  }

  median({ name }: Turn<Sys>, figure: (run: Run) => number): number {
    return median(this.runsOf(name).map(figure));
  }
}

function comparedNames<Sys extends Compared>({ name, system }: Turn<Sys>, other: string): string[] {
  return [...new Set([name, other, system.bare, againName({ name: system.bare })])];
}

function againName({ name }: Pick<System, 'name'>): string {
  return `${name} again`;
}
