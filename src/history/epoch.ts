/**
 * Epochs: `<generation>.<epoch of the channel>`, either part random, so that none ever comes again.
 */
import { randomBytes } from 'node:crypto';

/** Half of an epoch: 48 bits in 8 characters of base64url. */
export function randomEpochPart(): string {
  return randomBytes(6).toString('base64url');
}

/**
 * The epoch of the channel, without the generation. Where it stays the same, another server goes on with the numbers that it
 * knew of: some may have been given again, and what came before may be kept under both epochs.
 */
export function channelPart(epoch: string): string {
  return epoch.slice(epoch.indexOf('.') + 1);
}
