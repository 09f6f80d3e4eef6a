import { execFileSync } from 'node:child_process';
import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  realpathSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';

const source = fileURLToPath(new URL('find-bun.mjs', import.meta.url));
const arch = process.arch === 'arm64' ? 'aarch64' : process.arch;
const platformPackage = `@oven/bun-${process.platform}-${arch}`;
const binaryBytes = 1_000_001;
const stubBytes = 450;

/** A package root with a `bin/find-bun.mjs` of its own, so that only its own node_modules are found. */
let root: string;

beforeEach(() => {
  root = realpathSync(mkdtempSync(join(tmpdir(), 'outcry-bun-')));
  mkdirSync(join(root, 'bin'));
  copyFileSync(source, join(root, 'bin', 'find-bun.mjs'));
});

afterEach(() => {
  rmSync(root, { recursive: true });
});

function addFile(bytes: number, ...path: string[]): string {
  const file = join(root, ...path);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, '');
  truncateSync(file, bytes);
  return file;
}

/** Installs a package that consists of one file in `bin/`. */
function install(name: string, file: string, bytes: number): string {
  const path = addFile(bytes, 'node_modules', name, 'bin', file);
  writeFileSync(join(root, 'node_modules', name, 'package.json'), JSON.stringify({ name }));
  return path;
}

function findBun(searchPath = ''): string | null {
  const script = `import { findBun } from './bin/find-bun.mjs'; console.log(JSON.stringify(findBun()));`;
  const output = execFileSync(process.execPath, ['--input-type=module', '--eval', script], {
    cwd: root,
    env: { PATH: searchPath },
    encoding: 'utf8',
  });
  return JSON.parse(output);
}

describe('the Bun binary', () => {
  test('is found where install scripts put it', () => {
    const binary = install('bun', 'bun.exe', binaryBytes);
    install(platformPackage, 'bun', 0);
    expect(findBun()).toBe(binary);
  });

  test('is found in the platform package where install scripts were off', () => {
    install('bun', 'bun.exe', stubBytes);
    const binary = install(platformPackage, 'bun', binaryBytes);
    expect(findBun()).toBe(binary);
  });

  test('is found in the package for musl', () => {
    install('bun', 'bun.exe', stubBytes);
    const binary = install(`${platformPackage}-musl`, 'bun', binaryBytes);
    expect(findBun()).toBe(binary);
  });

  test('is found on the PATH when no package has it, stubs passed over', () => {
    install('bun', 'bun.exe', stubBytes);
    addFile(stubBytes, 'first', 'bun');
    const binary = addFile(binaryBytes, 'second', 'bun');
    expect(findBun(['first', 'away', 'second'].map((folder) => join(root, folder)).join(':'))).toBe(binary);
  });

  test('comes from the package rather than from the PATH', () => {
    const binary = install('bun', 'bun.exe', binaryBytes);
    addFile(binaryBytes, 'first', 'bun');
    expect(findBun(join(root, 'first'))).toBe(binary);
  });

  test('is told from a stub by its size alone', () => {
    install('bun', 'bun.exe', binaryBytes - 1);
    expect(findBun()).toBeNull();
  });

  test('is missing where nothing is installed', () => {
    expect(findBun()).toBeNull();
  });
});
