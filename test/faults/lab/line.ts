/**
 * One line of the scoreboard: what was measured, and what was demanded of it.
 */

export interface Line {
  readonly what: string;
  readonly seen: string;
  readonly wanted: string;
  readonly holds: boolean;
  /** Whether it compares times, so that a machine which has other things to do can spoil it. */
  readonly isOfTime: boolean;
}

/** - `not judged`: it does not hold, and the machine was too busy to tell whose fault that is. */
export type Verdict = 'held' | 'missed' | 'not judged';

export function verdictOf({ holds, isOfTime }: Line, isTooBusy: boolean): Verdict {
  if (holds) return 'held';
  return isOfTime && isTooBusy ? 'not judged' : 'missed';
}

export function exactly(what: string, seen: number, wanted: number): Line {
  return { what, seen: String(seen), wanted: String(wanted), holds: seen === wanted, isOfTime: false };
}

/** @param seen null if it never happened, which misses the line */
export function atMost(what: string, seen: number | null, most: number, unit = ''): Line {
  return {
    what,
    seen: shown(seen, unit),
    wanted: `≤ ${shown(most, unit)}`,
    holds: seen !== null && seen <= most,
    isOfTime: isTime(seen, unit),
  };
}

export function atLeast(what: string, seen: number | null, least: number, unit = ''): Line {
  return {
    what,
    seen: shown(seen, unit),
    wanted: `≥ ${shown(least, unit)}`,
    holds: seen !== null && seen >= least,
    isOfTime: isTime(seen, unit),
  };
}

export function holds(what: string, seen: boolean): Line {
  return { what, seen: seen ? 'yes' : 'no', wanted: 'yes', holds: seen, isOfTime: false };
}

/** A line that depends on time although it counts something else. */
export function timed(line: Line): Line {
  return { ...line, isOfTime: true };
}

/** The largest, or null if one of them never happened, or none was taken. */
export function slowest(times: readonly (number | null)[]): number | null {
  if (times.length === 0) return null;
  return times.reduce<number | null>(
    (most, ms) => (most === null || ms === null ? null : Math.max(most, ms)),
    0,
  );
}

/** What never happened is not late: no machine is too busy to tell that. */
function isTime(seen: number | null, unit: string): boolean {
  return unit === ' ms' && seen !== null && Number.isFinite(seen);
}

function shown(seen: number | null, unit: string): string {
  if (seen === null) return 'never';
  return `${Number.isInteger(seen) ? seen : seen.toFixed(Math.abs(seen) < 10 ? 2 : 0)}${unit}`;
}
