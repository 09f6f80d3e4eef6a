/**
 * One line of the scoreboard: what was measured, and what was demanded of it.
 */

export interface Line {
  readonly what: string;
  readonly seen: string;
  readonly wanted: string;
  readonly holds: boolean;
}

export function exactly(what: string, seen: number, wanted: number): Line {
  return { what, seen: String(seen), wanted: String(wanted), holds: seen === wanted };
}

/** @param seen null if it never happened, which misses the line */
export function atMost(what: string, seen: number | null, most: number, unit = ''): Line {
  return { what, seen: shown(seen, unit), wanted: `≤ ${most}${unit}`, holds: seen !== null && seen <= most };
}

export function atLeast(what: string, seen: number | null, least: number, unit = ''): Line {
  return {
    what,
    seen: shown(seen, unit),
    wanted: `≥ ${least}${unit}`,
    holds: seen !== null && seen >= least,
  };
}

export function holds(what: string, seen: boolean): Line {
  return { what, seen: seen ? 'yes' : 'no', wanted: 'yes', holds: seen };
}

/** The largest, or null if one of them never happened. */
export function slowest(times: readonly (number | null)[]): number | null {
  return times.reduce<number | null>(
    (most, ms) => (most === null || ms === null ? null : Math.max(most, ms)),
    0,
  );
}

function shown(seen: number | null, unit: string): string {
  if (seen === null) return 'never';
  return `${Number.isInteger(seen) ? seen : seen.toFixed(seen < 10 ? 2 : 0)}${unit}`;
}
