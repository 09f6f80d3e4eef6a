/**
 * Latencies of all workers as one: histograms are merged bucket by bucket, percentiles are never averaged.
 */
import {
  build,
  decodeFromCompressedBase64,
  encodeIntoCompressedBase64,
  type Histogram,
} from 'hdr-histogram-js';

/** Milliseconds. */
export interface Latency {
  p50: number;
  p90: number;
  p99: number;
  p999: number;
  max: number;
}

/** Up to a second in steps of 10 µs, up to a minute in steps of 1 ms: no finer than the clock, and one addition each. */
const fineSteps = 100;
const fineMs = 1_000;
const coarseMs = 60_000;

/** Counts durations; some ten million a second of them, which a general histogram cannot. */
export class LatencyCounts {
  readonly #fine = new Uint32Array(fineMs * fineSteps);
  readonly #coarse = new Uint32Array(coarseMs);
  #maxMs = 0;

  /** One beyond a minute counts as a minute, one below 0 (rounding of two clocks) as 0. */
  record(ms: number): void {
    if (ms > this.#maxMs) this.#maxMs = ms;
    if (ms < 0) (this.#fine[0] as number)++;
    else if (ms < fineMs) (this.#fine[(ms * fineSteps) | 0] as number)++;
    else (this.#coarse[Math.min(ms, coarseMs - 1) | 0] as number)++;
  }

  /** The longest duration. */
  get maxMs(): number {
    return this.#maxMs;
  }

  /** For `mergedLatency`. */
  encode(): string {
    const histogram = latencyHistogram();
    // A duration counts as the end of its step, the longest as itself.
    const record = (endMs: number, count: number) => {
      if (count === 0) return;
      const micros = Math.round(Math.min(endMs, this.#maxMs, coarseMs) * 1_000);
      histogram.recordValueWithCount(micros, count);
    };
    for (const [step, count] of this.#fine.entries()) record((step + 1) / fineSteps, count);
    for (const [ms, count] of this.#coarse.entries()) record(ms + 1, count);
    return encodeIntoCompressedBase64(histogram);
  }
}

/** @param encoded at least one, as `encode` writes it */
export function mergedLatency(encoded: readonly [string, ...string[]]): Latency {
  const merged = decodeFromCompressedBase64(encoded[0]);
  for (const other of encoded.slice(1)) merged.add(decodeFromCompressedBase64(other));
  const at = (percentile: number) => merged.getValueAtPercentile(percentile) / 1_000;
  return { p50: at(50), p90: at(90), p99: at(99), p999: at(99.9), max: merged.maxValue / 1_000 };
}

/** Microseconds: three digits. */
function latencyHistogram(): Histogram {
  return build({
    lowestDiscernibleValue: 1,
    highestTrackableValue: coarseMs * 1_000,
    numberOfSignificantValueDigits: 3,
  });
}
