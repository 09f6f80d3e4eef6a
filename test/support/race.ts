/**
 * A race that is really run: `npm run race`, ended by its process id.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { endsWithUs } from './leftovers.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));

export interface TestRace {
  readonly pid: number;
  /** Of its page. */
  readonly url: string;
  /** As Ctrl-C does. Returns the exit code. */
  interrupt(): Promise<number>;
}

/** Resolves when everybody is connected. */
export async function startRace(...flags: readonly string[]): Promise<TestRace> {
  const race: ChildProcess = spawn(process.execPath, ['bin/bun.mjs', 'bench/race/main.ts', ...flags], {
    cwd: root,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  endsWithUs(race);
  const exited = once(race, 'exit').then(([code]) => code as number);
  const { stdout, stderr } = race;
  if (stdout === null || stderr === null) throw new Error('the race has no output to read');
  let said = '';
  stderr.on('data', (bytes) => {
    said += bytes;
  });
  const ended = exited.then((code) => {
    throw new Error(`the race ended with ${code}:\n${said}`);
  });
  const [line] = await Promise.race([once(createInterface({ input: stdout }), 'line'), ended]);
  ended.catch(() => {}); // From now on it may end.
  return {
    pid: race.pid as number,
    url: String(line).replace('the race is at ', ''),
    interrupt() {
      race.kill('SIGINT');
      return exited;
    },
  };
}
