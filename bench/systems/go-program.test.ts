import { appendFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { executableFinder, type Finder } from '../../scripts/debian-packages.ts';
import { GoProgram } from './go-program.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'outcry-go-'));
  for (const source of ['main.go', 'go.mod', 'go.sum']) writeFileSync(join(folder, source), '');
});
afterEach(() => rmSync(folder, { recursive: true }));

/** @param go the executable that is taken for Go */
function programWith(go: string | undefined): GoProgram {
  const find: Finder = () => (go === undefined ? undefined : executableFinder(process.env.PATH)(go));
  return new GoProgram({ name: 'horn', folder, builtTo: join(folder, 'built'), find });
}

test('without Go it is missing, and cannot be built', () => {
  const program = programWith(undefined);
  expect(program.missing()).toBe('Go is not installed');
  expect(program.build()).toBe('horn cannot be built: Go is not installed');
});

test('what is not built is missing, and what fails to build says so', () => {
  const program = programWith('false');
  expect(program.missing()).toBe('it is not built (npm run bench -- setup)');
  expect(program.build()).toBe('horn cannot be built: go build failed with 1');
});

test('is not missing once it is built, until a source changes', () => {
  // It makes the file that stands behind -o.
  const go = join(folder, 'go');
  writeFileSync(go, '#!/bin/sh\n[ "$1 $2 $4" = "build -o ." ] && : > "$3"\n', { mode: 0o755 });
  const program = programWith(go);
  expect(program.build()).toBeNull();
  expect(program.missing()).toBeNull();
  appendFileSync(join(folder, 'main.go'), 'package main');
  expect(program.missing()).toBe('it is not built (npm run bench -- setup)');
});

test('the versions of its modules stand in go.mod', () => {
  const program = programWith(undefined);
  writeFileSync(
    join(folder, 'go.mod'),
    'module horn\n\nrequire example.org/brass v0.40.1\n\nrequire (\n\texample.org/air v1.2.3 // indirect\n)\n',
  );
  expect(program.versionOf('example.org/brass')).toBe('0.40.1');
  expect(program.versionOf('example.org/air')).toBe('1.2.3');
  expect(() => program.versionOf('example.org/reed')).toThrow('horn is not built with example.org/reed');
});
