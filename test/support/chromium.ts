/**
 * The system's Chromium for tests in a real browser: no download, nothing that it asks the network for by itself.
 */
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { type Browser, chromium } from 'playwright-core';

const names = ['chromium', 'chromium-browser', 'google-chrome'];

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
  return chromium.launch({ executablePath: findChromium(), args: quietly });
}

/**
 * Path of the executable: `OUTCRY_CHROMIUM`, or the first that is on the PATH.
 *
 * @throws if there is none, naming what to do
 */
export function findChromium(environment: NodeJS.ProcessEnv = process.env): string {
  if (environment.OUTCRY_CHROMIUM) return environment.OUTCRY_CHROMIUM;
  const folders = (environment.PATH ?? '').split(delimiter);
  const found = names.flatMap((name) => folders.map((folder) => join(folder, name))).find(isExecutable);
  if (found !== undefined) return found;
  throw new Error(
    `none of ${names.join(', ')} is on the PATH: install Chromium, or set OUTCRY_CHROMIUM to it`,
  );
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false; // Not there, or not for us.
  }
}
