/**
 * Latencies of all workers as one: histograms are merged bucket by bucket, percentiles are never averaged.
 */
import { build, decodeFromCompressedBase64, type Histogram } from 'hdr-histogram-js';

/** Milliseconds. */
export interface Latency {
  p50: number;
  p90: number;
  p99: number;
  p999: number;
  max: number;
}

const maxMicroseconds = 60_000_000;

/** Microseconds: three digits, up to a minute. */
export function latencyHistogram(): Histogram {
  return build({
    lowestDiscernibleValue: 1,
    highestTrackableValue: maxMicroseconds,
    numberOfSignificantValueDigits: 3,
  });
}

/** Records a duration; one beyond a minute counts as a minute, one below 0 (rounding of two clocks) as 0. */
export function recordMs(histogram: Histogram, ms: number): void {
  histogram.recordValue(Math.min(maxMicroseconds - 1, Math.max(0, Math.round(ms * 1_000))));
}

/** @param encoded at least one histogram, as `encodeIntoCompressedBase64` writes it */
export function mergedLatency(encoded: readonly [string, ...string[]]): Latency {
  const merged = decodeFromCompressedBase64(encoded[0]);
  for (const other of encoded.slice(1)) merged.add(decodeFromCompressedBase64(other));
  const at = (percentile: number) => merged.getValueAtPercentile(percentile) / 1_000;
  return { p50: at(50), p90: at(90), p99: at(99), p999: at(99.9), max: merged.maxValue / 1_000 };
}
