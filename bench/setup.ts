/**
 * Installs the servers that Outcry is measured beside and that come as Debian packages, and builds the one in Go. Nothing
 * needs them: a system that is not there is left out with a sentence.
 */
import { installMissing } from '../scripts/install-packages.ts';
import { centrifugeProgram } from './systems/centrifuge.ts';
import { benchmarkPackages } from './systems/debian.ts';

/** Returns the exit code. */
export async function setUp(): Promise<number> {
  const exitCode = await installMissing(benchmarkPackages);
  const missing = centrifugeProgram.missing();
  if (missing === null) return exitCode;
  const { name, canBeBuilt } = centrifugeProgram;
  if (!canBeBuilt) {
    console.log(`${name} is left out: ${missing}`);
    return exitCode;
  }
  console.log(`building ${name} with Go, which can take some minutes`);
  const failure = centrifugeProgram.build();
  if (failure === null) return exitCode;
  console.error(failure);
  return 1;
}
