/**
 * The one clock of a benchmark: milliseconds, the same in every process on this machine, never set back.
 *
 * Not `process.hrtime`, which on Bun counts from the start of each process: between two of them it is off by as much as
 * one started later. Two origins are taken from the machine's clock and agree to a microsecond.
 */
const originMs = performance.timeOrigin;

export function monotonicMs(): number {
  return originMs + performance.now();
}
