/**
 * What is promised of a publication for all: when the last has it, and that a delivery costs little more than where there
 * are few subscribers.
 */
import { outcomeOf } from '../../report/bar.ts';
import { median } from '../../report/median.ts';
import type { Reporter } from '../../report/reporter.ts';
import type { Running } from '../../systems/running.ts';
import { systemNamed } from '../../systems/catalogue.ts';
import type { Codec, Runtime } from '../../systems/system.ts';
import { accountedFor, measureDelivery } from '../delivery.ts';

/** A broadcast must have reached the last client by then. */
const maxLastSeconds = 10;
/** Server CPU of a delivery, as a multiple of what it is with a thousand subscribers at ten messages a second. */
const maxDeliveryRatio = 1.5;
const referenceBytes = 100;
const reference = { receivers: 1_000, rate: 10, seconds: 4, warmUpSeconds: 1 };

/** CPU microseconds of a delivery where `fanout` begins. NaN if that run does not count. */
export async function measureReference(
  runtime: Runtime,
  codec: Codec,
  running: Running,
  reporter: Reporter,
): Promise<number> {
  const name = `outcry-${runtime}${codec === 'raw' ? '' : `-${codec}`}`;
  reporter.progress(`million: what a delivery costs ${name} at ${reference.rate} messages/s`);
  const run = await measureDelivery(
    systemNamed(name),
    { ...reference, recordBytes: referenceBytes },
    running,
  );
  reporter.raw({ scenario: 'million', phase: 'reference', system: name, ...run });
  return accountedFor(run) ? run.cpuMicrosPerDelivery : Number.NaN;
}

/** Of all publications of one size. */
export interface Outcome {
  size: number;
  worstLastSeconds: number;
  /** Server CPU microseconds of a delivery, of each publication. */
  micros: readonly number[];
  /** To compare them with; null to leave that out. */
  referenceMicros: number | null;
  /** Everybody got each publication once. */
  whole: boolean;
}

export function addBars(
  { size, worstLastSeconds, micros, referenceMicros, whole }: Outcome,
  reporter: Reporter,
): void {
  reporter.row('bars', {
    bar: `${size} bytes: the last client has it after at most ${maxLastSeconds} s`,
    figure: worstLastSeconds.toFixed(2),
    outcome: outcomeOf({ figure: worstLastSeconds, limit: maxLastSeconds, spread: 0, counts: whole }),
  });
  if (size !== referenceBytes || referenceMicros === null) return;
  const ratio = median(micros) / referenceMicros;
  reporter.row('bars', {
    bar: `server CPU of a delivery at most ${maxDeliveryRatio} × that of 1,000 subscribers at ${reference.rate} messages/s (${referenceMicros.toFixed(2)} µs)`,
    figure: ratio.toFixed(2),
    outcome: outcomeOf({ figure: ratio, limit: maxDeliveryRatio, spread: 0, counts: whole }),
  });
}
