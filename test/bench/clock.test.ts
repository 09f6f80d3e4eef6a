import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { monotonicMs } from '../../bench/generator/monotonic.ts';
import { findBun } from '../../bin/find-bun.mjs';

const file = fileURLToPath(new URL('../../bench/generator/monotonic.ts', import.meta.url));

test('the clock of a benchmark is the same in every process', () => {
  for (let process = 0; process < 3; process += 1) {
    const before = monotonicMs();
    const print = `import { monotonicMs } from ${JSON.stringify(file)}; console.log(monotonicMs())`;
    const there = Number(
      execFileSync(findBun() as string, ['--no-env-file', '-e', print], { encoding: 'utf8' }),
    );
    expect(there).toBeGreaterThan(before - 1);
    expect(there).toBeLessThan(monotonicMs() + 1);
  }
});
