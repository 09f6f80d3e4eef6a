/**
 * What `npm test` runs first: installs the Debian packages that the tests need and the machine lacks.
 */
import { debianPackages } from './debian-packages.ts';
import { installMissing } from './install-packages.ts';

process.exitCode = await installMissing(debianPackages);
