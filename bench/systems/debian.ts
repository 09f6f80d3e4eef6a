/**
 * Servers that come as Debian packages: where their executables are, and what to say where they are not.
 */
import {
  type DebianPackage,
  debianPackages,
  executableFinder,
  findExecutable,
} from '../../scripts/debian-packages.ts';

const find = executableFinder(process.env.PATH);

export const natsServer: DebianPackage = {
  name: 'nats-server',
  why: 'the system nats is it',
  executables: ['nats-server'],
};
export const nginx: DebianPackage = {
  name: 'nginx-light',
  why: 'the system nchan runs in it',
  executables: ['nginx'],
};
/** Debian has modules of nginx here. */
export const nchanModule = '/usr/lib/nginx/modules/ngx_nchan_module.so';
export const nginxNchan: DebianPackage = {
  name: 'libnginx-mod-nchan',
  why: 'the system nchan is it',
  executables: [],
  file: nchanModule,
};

/** These are installed for the tests already. */
export const redisServer = forTests('redis-server');
export const haproxy = forTests('haproxy');
export const openssl = forTests('openssl');

/** What the benchmark suite uses beyond what the tests need; it runs without, and says so. */
export const benchmarkPackages: readonly DebianPackage[] = [
  ...[natsServer, nginx, nginxNchan],
  ...[redisServer, haproxy, openssl],
];

/** A sentence about the first of the packages that is not installed; null if all are. */
export function missingOf(name: string, packages: readonly DebianPackage[]): string | null {
  const missing = packages.filter((each) => findExecutable(each, process.env, find) === undefined);
  if (missing.length === 0) return null;
  return `${name} was left out: ${missing.map((each) => each.name).join(' and ')} is not installed (npm run bench -- setup)`;
}

/** @throws Error if it is not installed */
export function executableOf(wanted: DebianPackage): string {
  const found = findExecutable(wanted, process.env, find);
  if (found === undefined) throw new Error(`${wanted.name} is not installed: npm run bench -- setup`);
  return found;
}

function forTests(name: string): DebianPackage {
  return debianPackages.find((each) => each.name === name) as DebianPackage;
}
