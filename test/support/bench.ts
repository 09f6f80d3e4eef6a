/**
 * A benchmark that is really run: `npm run bench -- …`.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { endsWithUs } from './leftovers.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));

export interface TestBench {
  readonly pid: number;
  signal(signal: NodeJS.Signals): void;
  /** Everything that it printed so far. */
  text(): string;
  readonly exited: Promise<number>;
}

/** @param args the scenario and its flags */
export function startBench(...args: readonly string[]): TestBench {
  const child = spawn(process.execPath, ['bin/bun.mjs', 'bench/main.ts', ...args], {
    cwd: root,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  endsWithUs(child);
  let text = '';
  for (const output of [child.stdout, child.stderr])
    output.on('data', (bytes) => {
      text += bytes;
    });
  return {
    pid: child.pid as number,
    signal: (signal) => void child.kill(signal),
    text: () => text,
    exited: once(child, 'exit').then(([code]) => code),
  };
}
