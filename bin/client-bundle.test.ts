import { readFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { clientBundles } from './client-bundle.mjs';

test('the SDK that pages load is at most 12 KiB, compressed', () => {
  expect(gzipSync(readFileSync(clientBundles().forPages), { level: 9 }).length).toBeLessThanOrEqual(12_288);
});

test('both forms of the SDK offer the same, and import nothing', async () => {
  const { forPages, forPrograms } = clientBundles();
  const names = Object.keys(await import(/* @vite-ignore */ forPages)).sort();
  expect(names).toEqual(['OutcryError', 'connect', 'json']);
  expect(Object.keys(await import(/* @vite-ignore */ forPrograms)).sort()).toEqual(names);
  for (const file of [forPages, forPrograms])
    expect(readFileSync(file, 'utf8').match(/(^|[;\n])import\s*[{*"']|\brequire\(|\bBuffer\b/)).toBeNull();
});
