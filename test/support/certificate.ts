/**
 * A certificate for the tests of a file, in a folder that goes with them.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll } from 'vitest';
import { makeCertificate } from '../../scripts/cluster/certificate.ts';

/** @returns where it is once the tests run: a PEM file with certificate and key */
export function useCertificate(): { readonly file: string } {
  let folder = '';
  const made = { file: '' };
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'outcry-'));
    made.file = makeCertificate(folder);
  });
  afterAll(() => rmSync(folder, { recursive: true }));
  return made;
}
