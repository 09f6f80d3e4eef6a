/**
 * The system's Chromium for tests in a real browser: no download, nothing that it asks the network for by itself.
 */
import { type Browser, chromium as driver } from 'playwright-core';
import { chromium, executableFinder, findExecutable } from '../../scripts/debian-packages.ts';

const quietly = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

/** Headless, with an empty user data directory of its own, which is removed when the browser is closed. */
export function launchChromium(): Promise<Browser> {
  return driver.launch({ executablePath: findChromium(), args: quietly });
}

/**
 * Path of the executable: `OUTCRY_CHROMIUM`, or the first that is on the PATH.
 *
 * @throws if there is none, naming what to do
 */
export function findChromium(environment: NodeJS.ProcessEnv = process.env): string {
  const found = findExecutable(chromium, environment, executableFinder(environment.PATH));
  if (found !== undefined) return found;
  throw new Error(
    `none of ${chromium.executables.join(', ')} is on the PATH: install Chromium, or set OUTCRY_CHROMIUM to it`,
  );
}
