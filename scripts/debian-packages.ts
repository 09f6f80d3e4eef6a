/**
 * Which Debian packages the tests need, how to see that they are there, and what to do when they are not. Decides only;
 * setup.ts acts on it.
 */
import { accessSync, constants, existsSync, statSync } from 'node:fs';
import { delimiter, join } from 'node:path';

/** A Debian package and what stands for it. */
export interface DebianPackage {
  name: string;
  /** For the person who is about to get it: "… which the tests of X need". */
  why: string;
  /** One of these on the PATH is enough. */
  executables: string[];
  /** A file that stands for it, by its path, where it brings no executable. */
  file?: string;
  /** An environment variable that names the executable instead, by its path. */
  variable?: string;
}

/** Chromium without its own windows, which cost most of the time of a short test; with them it does as well. */
export const chromium: DebianPackage = {
  name: 'chromium-headless-shell',
  why: 'the browser tests drive it',
  executables: ['chromium-headless-shell', 'chromium', 'chromium-browser', 'google-chrome'],
  variable: 'OUTCRY_CHROMIUM',
};

export const debianPackages: DebianPackage[] = [
  chromium,
  { name: 'haproxy', why: 'the proxy tests run it', executables: ['haproxy'] },
  { name: 'openssl', why: 'the TLS tests make a certificate with it', executables: ['openssl'] },
  { name: 'redis-server', why: 'the cluster tests run it', executables: ['redis-server'] },
  {
    name: 'docker-compose',
    why: 'a test reads docker-compose.yml with it, without Docker',
    executables: ['docker-compose'],
  },
];

/** What the machine and the person in front of it allow. */
export interface Machine {
  platform: string;
  hasAptGet: boolean;
  /** How to become root: already, by `sudo -n`, or not at all. */
  root: 'self' | 'sudo' | 'none';
  /** The value of OUTCRY_TEST_INSTALL; '0' refuses. */
  install: string | undefined;
}

/** What to do: nothing, run the commands, or say why not and fail. */
export type Decision =
  | { action: 'nothing' }
  | { action: 'install'; message: string; commands: string[][] }
  | { action: 'refuse'; message: string };

/** Looks an executable up by name; returns its path. */
export type Finder = (name: string) => string | undefined;

/** Daemons are here, and the PATH of an ordinary user often leaves these out. */
const systemFolders = ['/usr/local/sbin', '/usr/sbin', '/sbin'];

/** Returns a finder that looks on a PATH and in the folders of daemons. A name with a slash is a path already. */
export function executableFinder(path = ''): Finder {
  const folders = [...path.split(delimiter).filter(Boolean), ...systemFolders];
  return (name) => {
    const candidates = name.includes('/') ? [name] : folders.map((folder) => join(folder, name));
    return candidates.find(isExecutable);
  };
}

/** Returns the executable that stands for a package, or undefined when the package is missing. */
export function findExecutable(
  { executables, file, variable }: DebianPackage,
  env: Readonly<Record<string, string | undefined>>,
  find: Finder,
): string | undefined {
  // A name that was given counts alone: falling back would test another browser than the one asked for.
  const given = variable && env[variable];
  if (given) return find(given);
  for (const name of executables) {
    const path = find(name);
    if (path) return path;
  }
  return file && existsSync(file) ? file : undefined;
}

/**
 * Decides what to do about the packages of `wanted` that are missing.
 *
 * @param wanted usually `debianPackages`
 * @param env the environment, for the variables that name executables
 * @param find how to look executables up
 * @param machine asked only when something is missing, because finding out about sudo starts it
 */
export function decide(
  wanted: readonly DebianPackage[],
  env: Readonly<Record<string, string | undefined>>,
  find: Finder,
  machine: () => Machine,
): Decision {
  const missing = wanted.filter((each) => !findExecutable(each, env, find));
  if (missing.length === 0) return { action: 'nothing' };

  for (const { variable } of missing) {
    const given = variable && env[variable];
    if (given) return refuse(`${variable} is ${given}, but there is no such executable.`);
  }

  const { platform, hasAptGet, root, install } = machine();
  const names = missing.map(({ name }) => name);
  const reasons = missing.map(({ name, why }) => `${name} (${why})`).join(', ');
  const variables = missing.flatMap(({ variable }) => variable ?? []);
  const orName = variables.length > 0 ? `, or name one you have in ${variables.join(', ')}` : '';
  if (!hasAptGet) {
    return refuse(
      `The tests need ${reasons}, and this machine (${platform}) has no apt-get to install it with.\n` +
        `Install it the way your system does, so that it is on the PATH${orName}.`,
    );
  }

  const sudo = root === 'self' ? '' : 'sudo ';
  const byHand = `${sudo}apt-get update && ${sudo}apt-get install -y --no-install-recommends ${names.join(' ')}`;
  if (install === '0') {
    return refuse(
      `The tests need ${reasons}; OUTCRY_TEST_INSTALL=0 forbids installing it. By hand${orName}:\n  ${byHand}`,
    );
  }
  if (root === 'none') {
    return refuse(
      `The tests need ${reasons}, but this user cannot become root without a password. By hand${orName}:\n  ${byHand}`,
    );
  }
  return {
    action: 'install',
    message:
      `The tests need ${reasons}: installing ${names.join(', ')} with apt-get.\n` +
      '(OUTCRY_TEST_INSTALL=0 would stop here and print the command instead.)',
    commands: commandsFor(names, root === 'self' ? [] : ['sudo', '-n']),
  };
}

function refuse(message: string): Decision {
  return { action: 'refuse', message };
}

/** `env` because sudo does not hand variables on; the timeout because another apt may be at work. */
function commandsFor(names: string[], asRoot: string[]): string[][] {
  const aptGet = ['apt-get', '-o', 'DPkg::Lock::Timeout=120'];
  return [
    [...asRoot, ...aptGet, 'update'],
    [
      ...asRoot,
      'env',
      'DEBIAN_FRONTEND=noninteractive',
      ...aptGet,
      'install',
      '-y',
      '--no-install-recommends',
      ...names,
    ],
  ];
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}
