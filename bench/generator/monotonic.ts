/**
 * The one clock of a benchmark: milliseconds since the machine started, the same in every process on it, never set back.
 */
export function monotonicMs(): number {
  const [seconds, nanoseconds] = process.hrtime();
  return seconds * 1_000 + nanoseconds / 1e6;
}
