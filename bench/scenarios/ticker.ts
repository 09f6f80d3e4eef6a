/**
 * `ticker`: market data. Thousands of channels, some of them much busier than others, and subscribers that hear a few dozen
 * each. What is published in many channels at once can still go out in one write per subscriber.
 */
import type { Topology } from '../generator/topology.ts';
import type { Reporter } from '../report/reporter.ts';
import type { Running } from '../systems/running.ts';
import { addBars, addKeepsUpBar, addWindowBars, cpu } from './bars.ts';
import { type SweepOptions, sweep } from './sweep.ts';

/** The bars are about this many publications a second. */
const decisiveRate = 10_000;
const ours = ['outcry-bun-msgpack', 'outcry-bun-json'];

export interface TickerOptions extends SweepOptions {
  channels: number;
  /** Channels of each subscriber. */
  perSubscriber: number;
}

export async function ticker(options: TickerOptions, running: Running, reporter: Reporter): Promise<void> {
  const { channels, perSubscriber } = options;
  const topology: Topology = { channels, perSubscriber, popularity: 'zipf' };
  const measured = await sweep('ticker', topology, options, running, reporter);
  const alternation = measured.get(decisiveRate);
  if (alternation === undefined) return;
  for (const system of ours) {
    addBars(
      decisiveRate,
      [{ ours: system, against: 'bare-bun', figure: cpu, limit: 0.7 }],
      alternation,
      reporter,
    );
    addKeepsUpBar(decisiveRate, system, 50, alternation, reporter);
    addWindowBars(decisiveRate, system, ['bun-5ms', 'bun-20ms'], alternation, reporter);
  }
}
