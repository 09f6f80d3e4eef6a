/**
 * Installs the servers that Outcry is measured beside and that come as Debian packages. Nothing needs them: a system that
 * is not installed is left out with a sentence.
 */
import { installMissing } from '../scripts/install-packages.ts';
import { benchmarkPackages } from './systems/debian.ts';

/** Returns the exit code. */
export function setUp(): Promise<number> {
  return installMissing(benchmarkPackages);
}
