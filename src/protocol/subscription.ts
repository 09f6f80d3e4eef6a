/**
 * What stands with a channel in a subscribe, whichever codec found it: the rules of both stand here once.
 */
import type { Position } from '../channel/position.ts';
import { isText } from './command.ts';
import { maxClaimedEpochBytes, maxLast, type Subscription } from './messages.ts';

/** As it was found. `undefined` is what is absent, `null` what is not what it must be. */
export interface Asked {
  channel: string | null | undefined;
  since: Position | null | undefined;
  last: number | null | undefined;
}

/** Null if anything in it is not what it must be. */
export function subscriptionOf({ channel, since, last }: Asked): Subscription | null {
  if (typeof channel !== 'string' || since === null || last === null) return null;
  if (since !== undefined && last !== undefined) return null;
  if (last !== undefined && !(Number.isSafeInteger(last) && last >= 0 && last <= maxLast)) return null;
  return { channel, since: since ?? null, last: last ?? null };
}

/** A position that a client names: any number will do as an offset. */
export function claimOf(
  epoch: string | null | undefined,
  offset: number | null | undefined,
): Position | null {
  if (typeof epoch !== 'string' || typeof offset !== 'number' || !isText(epoch, maxClaimedEpochBytes))
    return null;
  return { epoch, offset };
}
