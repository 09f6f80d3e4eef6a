/**
 * Which versions of everything a report is about, as far as they are installed here.
 */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { executableFinder } from '../../scripts/debian-packages.ts';
import { centrifugeProgram } from '../systems/centrifuge.ts';

/** Programs that say their version, and what makes them say it. */
const programs: readonly [name: string, executable: string, flag: string][] = [
  ['Node', process.env.npm_node_execpath ?? 'node', '--version'],
  ['Redis', 'redis-server', '--version'],
  ['HAProxy', 'haproxy', '-v'],
  ['NATS', 'nats-server', '--version'],
  ['nginx', 'nginx', '-v'],
  ['Go', 'go', 'version'],
  ['Chromium', 'chromium-headless-shell', '--version'],
];

/** Packages that are measured, or measure. */
const packages = [
  'uWebSockets.js',
  'ioredis',
  'ws',
  'socket.io',
  '@socket.io/redis-adapter',
  'autocannon',
  'hdr-histogram-js',
];

/** Of what is installed here; what is not is left out. */
export function versions(): Record<string, string> {
  const found: Record<string, string> = { Outcry: outcryVersion() };
  if (process.versions.bun !== undefined) found.Bun = process.versions.bun;
  const find = executableFinder(process.env.PATH);
  for (const [name, executable, flag] of programs) {
    const path = executable.includes('/') ? executable : find(executable);
    const said = path === undefined ? null : versionIn(output(path, flag));
    if (said !== null) found[name] = said;
  }
  if (centrifugeProgram.missing() === null)
    found.Centrifuge = centrifugeProgram.versionOf('github.com/centrifugal/centrifuge');
  for (const name of packages) {
    const installed = packageVersion(name);
    if (installed !== null) found[name] = installed;
  }
  return found;
}

/** The first thing in a program's answer that looks like a version. */
export function versionIn(text: string): string | null {
  return /\d+\.\d+(\.\d+)*/.exec(text)?.[0] ?? null;
}

function outcryVersion(): string {
  const { version } = manifest('../../package.json');
  const commit = output('git', 'rev-parse', '--short', 'HEAD').trim();
  return commit === '' ? version : `${version}, commit ${commit}`;
}

/** A package under another name says so. Null if it is not installed. */
function packageVersion(name: string): string | null {
  try {
    const { name: realName, version } = manifest(`../../node_modules/${name}/package.json`);
    return realName === name ? version : `${version} (${realName})`;
  } catch {
    return null; // Not there.
  }
}

function manifest(path: string): { name: string; version: string } {
  return JSON.parse(readFileSync(new URL(path, import.meta.url), 'utf8'));
}

/** Both streams: nginx answers on the second. Empty if it cannot be started or fails. */
function output(file: string, ...args: string[]): string {
  const { status, stdout, stderr } = spawnSync(file, args, { encoding: 'utf8', timeout: 5_000 });
  return status === 0 ? stdout + stderr : '';
}
