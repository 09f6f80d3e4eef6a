/**
 * Where the Bun binary is that the npm package `bun` brought along.
 *
 * With install scripts on, its script puts the binary at `bun/bin/bun.exe` (on every system) and empties the platform
 * package. With `--ignore-scripts` `bun.exe` is a stub of a few hundred bytes and the binary is still in the platform
 * package. So both are looked at, and the size decides.
 */
import { statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { delimiter, dirname, join } from 'node:path';

/** Every build of Bun is larger than this, every stub smaller. */
const smallestBinaryBytes = 1_000_000;

/** @returns {string | null} path of the binary; null if there is none, neither in node_modules nor on the PATH */
export function findBun() {
  if (process.versions.bun !== undefined) return process.execPath;
  return [...inPackages(), ...onPath()].find(isBinary) ?? null;
}

function inPackages() {
  const require = createRequire(import.meta.url);
  const arch = process.arch === 'arm64' ? 'aarch64' : process.arch;
  const system = process.platform === 'win32' ? 'windows' : process.platform;
  const name = `@oven/bun-${system}-${arch}`;
  return [
    inPackage(require, 'bun', 'bun.exe'),
    inPackage(require, name, 'bun'),
    inPackage(require, `${name}-musl`, 'bun'),
    inPackage(require, name, 'bun.exe'),
  ].filter((path) => path !== null);
}

/** @param {NodeJS.Require} require @param {string} name @param {string} file */
function inPackage(require, name, file) {
  try {
    return join(dirname(require.resolve(`${name}/package.json`)), 'bin', file);
  } catch {
    return null; // Not installed: npm brings the one for this machine only.
  }
}

function onPath() {
  return (process.env.PATH ?? '').split(delimiter).map((folder) => join(folder, 'bun'));
}

/** @param {string} path */
function isBinary(path) {
  const size = statSync(path, { throwIfNoEntry: false })?.size ?? 0;
  return size > smallestBinaryBytes;
}
