/**
 * Where somebody stands in a channel that has a history, and what a program may ask of such a history when it joins.
 */
import { OutcryError } from './outcry-error.ts';

const maxEpochBytes = 64;
const maxLast = 10_000;
const encoder = new TextEncoder();

/** Only positions of the same epoch can be compared: it names the numbering. */
export interface Position {
  readonly epoch: string;
  /** Of the last publication that was had; 0 before the first. */
  readonly offset: number;
}

/** What is wanted besides that which is published from now on: at most one of both. */
export interface Wish {
  /** What was published behind this position. */
  readonly since?: Position;
  /** So many publications, the latest that are kept. */
  readonly last?: number;
}

/**
 * @returns null if nothing is wished for
 * @throws OutcryError `bad_request` for what no node would understand
 */
export function wishOf({ since, last }: Wish): Wish | null {
  if (since !== undefined && last !== undefined) throw bad('either since or last, not both');
  if (last !== undefined && !(isWhole(last) && last <= maxLast))
    throw bad(`last is a whole number from 0 to ${maxLast}`);
  if (since === undefined) return last === undefined || last === 0 ? null : { last };
  const { epoch, offset } = since ?? {};
  if (typeof epoch !== 'string' || !isWhole(offset) || encoder.encode(epoch).length > maxEpochBytes)
    throw bad('since is the position of a publication, { epoch, offset }');
  return { since: { epoch, offset } };
}

export function sameWish(one: Wish | null, other: Wish | null): boolean {
  return (
    one?.last === other?.last &&
    one?.since?.epoch === other?.since?.epoch &&
    one?.since?.offset === other?.since?.offset
  );
}

/** How many publications lie between two positions; null if nobody can know. */
export function distance(from: Position | null, to: Position | null): number | null {
  if (from === null || to === null || from.epoch !== to.epoch || to.offset <= from.offset) return null;
  return to.offset - from.offset;
}

function isWhole(value: unknown): boolean {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

function bad(message: string): OutcryError {
  return OutcryError.of('bad_request', message);
}
