/**
 * Installs the servers that Outcry is measured beside and that come as Debian packages, and compiles the one in Go. Nothing
 * needs them: a system that is not there is left out with a sentence.
 */
import { installMissing } from '../scripts/install-packages.ts';
import { buildCentrifuge } from './systems/centrifuge.ts';
import { benchmarkPackages } from './systems/debian.ts';

/** Returns the exit code. */
export async function setUp(): Promise<number> {
  const exitCode = await installMissing(benchmarkPackages);
  console.log(buildCentrifuge());
  return exitCode;
}
