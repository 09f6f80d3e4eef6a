/**
 * A self-signed certificate for `localhost` and this machine's name: good for trying wss://, believed by nobody.
 */
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { executable } from './executable.ts';

/**
 * Writes certificate and key as HAProxy wants them, in one file that only we may read, and returns its path.
 *
 * @throws UserError when openssl is not installed
 */
export function makeCertificate(folder: string): string {
  const [certificate, key, both] = ['certificate.pem', 'key.pem', 'localhost.pem'].map((name) =>
    join(folder, name),
  ) as [string, string, string];
  const names = `subjectAltName=DNS:localhost,DNS:${hostname()},IP:127.0.0.1,IP:::1`;
  execFileSync(
    executable('openssl'),
    [
      ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-noenc', '-days', '30'],
      ...['-subj', '/CN=localhost', '-addext', names, '-keyout', key, '-out', certificate],
    ],
    { stdio: ['ignore', 'ignore', 'pipe'] },
  );
  writeFileSync(both, readFileSync(certificate, 'utf8') + readFileSync(key, 'utf8'), { mode: 0o600 });
  return both;
}
