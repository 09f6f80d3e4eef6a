/**
 * Epochs: `<generation>.<epoch of the channel>`, either part random, so that none ever comes again.
 */
import { randomBytes } from 'node:crypto';

/** Half of an epoch: 48 bits in 8 characters of base64url. */
export function randomEpochPart(): string {
  return randomBytes(6).toString('base64url');
}
