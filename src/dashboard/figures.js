/**
 * Numbers as people read them.
 */

const whole = new Intl.NumberFormat('en-GB', { maximumFractionDigits: 0 });
const compactly = new Intl.NumberFormat('en-GB', { notation: 'compact', maximumSignificantDigits: 3 });

/** Counts of things: all digits up to six of them. */
export function count(/** @type {number} */ value) {
  return Math.abs(value) < 1_000_000 ? whole.format(value) : compactly.format(value);
}

/** Per second. */
export function rate(/** @type {number | null | undefined} */ value) {
  if (value === null || value === undefined) return '–';
  if (value > 0 && value < 10) return value.toFixed(1);
  return value < 10_000 ? whole.format(value) : compactly.format(value);
}

export function milliseconds(/** @type {number | null} */ value) {
  if (value === null) return '–';
  if (value >= 1_000) return `${(value / 1_000).toFixed(1)} s`;
  return `${value < 10 ? value.toFixed(1) : Math.round(value)} ms`;
}

export function percent(/** @type {number | null} */ value) {
  return value === null ? '–' : `${Math.round(value)} %`;
}

export function bytes(/** @type {number} */ value) {
  if (value < 1e6) return `${Math.round(value / 1e3)} kB`;
  return value < 1e9 ? `${Math.round(value / 1e6)} MB` : `${(value / 1e9).toFixed(1)} GB`;
}

export function duration(/** @type {number} */ ms) {
  const seconds = Math.floor(ms / 1_000);
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3_600) return `${Math.floor(seconds / 60)} min`;
  if (seconds < 86_400) return `${Math.floor(seconds / 3_600)} h ${Math.floor((seconds % 3_600) / 60)} min`;
  return `${Math.floor(seconds / 86_400)} d ${Math.floor((seconds % 86_400) / 3_600)} h`;
}

/** Ticks of an axis. */
export function tick(/** @type {number} */ value) {
  return compactly.format(value);
}
