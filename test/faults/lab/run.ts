/**
 * Runs one scenario once, and cleans up behind it whatever became of it.
 */
import { randomNumbers } from '../../support/mutate.ts';
import type { ChannelKind } from './channel-kind.ts';
import { holds, type Line, type Verdict, verdictOf } from './line.ts';
import type { Result, Runtime, Scenario } from './scenario.ts';
import { isTooBusy, noStrain } from './strain-watch.ts';

export interface RunOptions {
  runtime: Runtime;
  kinds: readonly ChannelKind[];
  short: boolean;
  lean?: boolean;
  /** Of the long ones. */
  minutes?: number;
  /** The same seed chooses the same victims and the same damage. */
  seed: number;
  say(sentence: string): void;
}

export interface Run extends Result {
  readonly scenario: Scenario;
  readonly runtime: Runtime;
  readonly seed: number;
  readonly seconds: number;
  /** What ended it early; null if it came to its end. */
  readonly error: string | null;
}

export async function run(scenario: Scenario, options: RunOptions): Promise<Run> {
  const { runtime, kinds, short, lean = false, minutes = 1, seed, say } = options;
  const undo: (() => Promise<unknown>)[] = [];
  const startedAt = performance.now();
  let result: Result = { strain: noStrain, kinds: [], lines: [] };
  let error: string | null = null;
  try {
    result = await scenario.run({
      runtime,
      kinds,
      short,
      lean,
      minutes,
      random: randomNumbers(seed),
      say,
      cleanUp: (step) => void undo.push(step),
    });
  } catch (thrown) {
    error = thrown instanceof Error ? thrown.message : String(thrown);
  }
  for (const step of undo.reverse()) await step().catch((thrown) => say(`not cleaned up: ${thrown}`));
  return {
    ...result,
    lines: error === null ? result.lines : [...result.lines, holds(`it came to its end (${error})`, false)],
    scenario,
    runtime,
    seed,
    seconds: (performance.now() - startedAt) / 1_000,
    error,
  };
}

export function verdictIn({ strain }: Pick<Run, 'strain'>, line: Line): Verdict {
  return verdictOf(line, isTooBusy(strain));
}

/** No line was missed. */
export function passed(run: Pick<Run, 'lines' | 'strain'>): boolean {
  return run.lines.every((line) => verdictIn(run, line) !== 'missed');
}
