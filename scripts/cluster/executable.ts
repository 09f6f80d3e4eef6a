/**
 * The programs that a cluster needs besides Node and Bun, and where to get them.
 */
import { exitCodes, UserError } from '../../src/errors.ts';
import { executableFinder, type Finder } from '../debian-packages.ts';

/** Name of the program, and the Debian package that brings it. */
const packageOf = { 'redis-server': 'redis-server', haproxy: 'haproxy', openssl: 'openssl' } as const;

/** @throws UserError that names the package when it is not installed */
export function executable(
  name: keyof typeof packageOf,
  find: Finder = executableFinder(process.env.PATH),
): string {
  const found = find(name);
  if (found !== undefined) return found;
  throw new UserError(
    `${name} is not installed; on Debian: apt-get install --no-install-recommends ${packageOf[name]}`,
    exitCodes.failure,
  );
}
