/**
 * The machine and the versions behind a report: without them a figure means nothing.
 */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { cpus, release, totalmem } from 'node:os';
import { executableFinder } from '../../scripts/debian-packages.ts';

export interface Machine {
  readonly cpu: string;
  readonly cores: number;
  readonly memoryBytes: number;
  readonly kernel: string;
}

export function thisMachine(): Machine {
  return {
    cpu: cpus()[0]?.model ?? 'unknown',
    cores: cpus().length,
    memoryBytes: totalmem(),
    kernel: release(),
  };
}

/** Programs that say their version, and the flag that makes them. */
const programs: readonly [name: string, executable: string, flag: string][] = [
  ['Node', process.env.npm_node_execpath ?? 'node', '--version'],
  ['Redis', 'redis-server', '--version'],
  ['HAProxy', 'haproxy', '-v'],
  ['NATS', 'nats-server', '--version'],
  ['nginx', 'nginx', '-v'],
  ['Chromium', 'chromium', '--version'],
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
export function versionsHere(): Record<string, string> {
  const versions: Record<string, string> = { Outcry: outcryVersion() };
  if (process.versions.bun !== undefined) versions.Bun = process.versions.bun;
  const find = executableFinder(process.env.PATH);
  for (const [name, executable, flag] of programs) {
    const path = executable.includes('/') ? executable : find(executable);
    const said = path === undefined ? null : versionIn(output(path, flag));
    if (said !== null) versions[name] = said;
  }
  for (const name of packages) {
    const installed = packageVersion(name);
    if (installed !== null) versions[name] = installed;
  }
  return versions;
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
