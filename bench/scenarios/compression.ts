/**
 * `compression`: what permessage-deflate costs a node and what it saves on the wire, with records that compress as a feed of
 * prices does.
 *
 * No bar: it is a trade of one thing for another, and whoever turns it on should know the rate.
 */
import { oneChannel } from '../generator/topology.ts';
import { ratioCell, spreadCell } from '../report/cells.ts';
import type { Reporter } from '../report/reporter.ts';
import type { Running } from '../systems/running.ts';
import type { Alternation, Turn } from './alternation.ts';
import { cpu } from './bars.ts';
import type { Delivery } from './delivery.ts';
import { type SweepOptions, sweep } from './sweep.ts';

export interface CompressionOptions extends Omit<SweepOptions, 'recordBytes'> {
  sizes: readonly number[];
}

export async function compression(
  { sizes, ...options }: CompressionOptions,
  running: Running,
  reporter: Reporter,
): Promise<void> {
  for (const recordBytes of sizes) {
    const measured = await sweep('compression', oneChannel, { ...options, recordBytes }, running, reporter);
    for (const [rate, alternation] of measured)
      for (const turn of alternation.turns) addRow(rate, recordBytes, turn, alternation, reporter);
  }
}

function addRow(
  rate: number,
  recordBytes: number,
  turn: Turn,
  alternation: Alternation<Delivery>,
  reporter: Reporter,
): void {
  const of = (figure: (run: Delivery) => number) => alternation.median(turn, figure);
  const bytes = ({ measured }: Delivery) =>
    measured.wireBytes / (measured.counts.deliveries + measured.counts.stale);
  const { ratio, spread } = alternation.compare(turn, cpu.of);
  reporter.row('What compression costs and saves', {
    'messages/s': String(rate),
    'message bytes': String(recordBytes),
    system: turn.name,
    'bytes per delivery': of(bytes).toFixed(1),
    'of plain': ratioCell(alternation.compare(turn, bytes).ratio),
    'CPU µs per delivery': of(cpu.of).toFixed(2),
    '× plain': ratioCell(ratio),
    'A/A': spreadCell(spread),
    'CPU µs per KB saved': saved(of(cpu.of), of(bytes), turn, alternation, bytes),
  });
}

/** What a thousand bytes that did not go over the wire have cost. */
function saved(
  cpuMicros: number,
  wireBytes: number,
  { system }: Turn,
  alternation: Alternation<Delivery>,
  bytes: (run: Delivery) => number,
): string {
  const plain = { name: system.bare, system };
  const savedBytes = alternation.median(plain, bytes) - wireBytes;
  if (system.name === system.bare || savedBytes <= 0) return '–';
  return (((cpuMicros - alternation.median(plain, cpu.of)) * 1_000) / savedBytes).toFixed(0);
}
