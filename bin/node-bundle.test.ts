import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { nodeBundle } from './node-bundle.mjs';

const script = fileURLToPath(new URL('node-bundle.mjs', import.meta.url));

test('the bundle is whole for whoever reads it while several processes make it', async () => {
  const bundle = nodeBundle();
  const makers = [1, 2, 3].map(() => spawn(process.execPath, [script], { stdio: 'inherit' }));
  let making = true;
  const codes = Promise.all(makers.map(async (maker) => (await once(maker, 'exit'))[0])).finally(() => {
    making = false;
  });
  while (making) {
    expect(readFileSync(bundle, 'utf8')).toMatch(/\n\/\/# sourceMappingURL=main\.mjs\.map\s*$/);
    await new Promise<void>((resolve) => setImmediate(resolve));
  }
  expect(await codes).toEqual([0, 0, 0]);
  expect(JSON.parse(readFileSync(`${bundle}.map`, 'utf8')).sources).toContain('../src/main.ts');
});
