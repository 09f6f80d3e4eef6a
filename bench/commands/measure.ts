/**
 * How a command has a scenario run: it is told what may be left running and where to say what was found. Then the tables are
 * printed, and every figure goes to a file.
 */
import { Reporter } from '../report/reporter.ts';
import type { Running } from '../systems/running.ts';

export type Measure = (
  out: string,
  scenario: (running: Running, reporter: Reporter) => Promise<void>,
) => Promise<void>;

/** @param command the line that makes the same report again */
export function measuring(running: Running, command: string): Measure {
  return async (out, scenario) => {
    const reporter = new Reporter(command);
    await scenario(running, reporter);
    reporter.print();
    reporter.write(out);
  };
}
