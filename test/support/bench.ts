/**
 * A benchmark that is really run: `npm run bench -- …`.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'vitest';
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

/** Runs a scenario to its end and returns what it wrote, and what it printed. */
export async function figuresOf(...args: readonly string[]) {
  const folder = mkdtempSync(join(tmpdir(), 'outcry-bench-test-'));
  try {
    const out = join(folder, 'figures.json');
    const run = startBench(...args, '--out', out);
    const code = await run.exited;
    expect(code, run.text()).toBe(0);
    expect(readFileSync(join(folder, 'figures.html'), 'utf8')).toContain(`<i>${args[0]}</i>`);
    return { figures: JSON.parse(readFileSync(out, 'utf8')), text: run.text() };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
