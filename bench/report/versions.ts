/**
 * Which versions of everything a report is about, as far as they are installed here.
 */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { executableFinder } from '../../scripts/debian-packages.ts';

/** Programs, and what makes them say their version in one line. */
const programs: Readonly<Record<string, readonly string[]>> = {
  node: ['--version'],
  'redis-server': ['--version'],
  haproxy: ['-v'],
  'nats-server': ['--version'],
  nginx: ['-v'],
};

const packages = ['uWebSockets.js', 'ws', 'socket.io', '@socket.io/redis-adapter'] as const;

export function versions(): Record<string, string> {
  const find = executableFinder(process.env.PATH);
  const found: Record<string, string> = { bun: process.versions.bun ?? 'none' };
  for (const [name, args] of Object.entries(programs)) {
    const file = find(name);
    if (file !== undefined) found[name] = firstLine(file, args);
  }
  for (const name of packages) {
    const version = packageVersion(name);
    if (version !== null) found[name] = version;
  }
  return found;
}

function firstLine(file: string, args: readonly string[]): string {
  try {
    // nginx says it on the other stream.
    return (
      execFileSync('sh', ['-c', '"$0" "$@" 2>&1', file, ...args], { encoding: 'utf8' }).split('\n')[0] ?? ''
    );
  } catch {
    return 'unknown';
  }
}

function packageVersion(name: string): string | null {
  try {
    const file = new URL(`../../node_modules/${name}/package.json`, import.meta.url);
    return JSON.parse(readFileSync(file, 'utf8')).version;
  } catch {
    return null;
  }
}
