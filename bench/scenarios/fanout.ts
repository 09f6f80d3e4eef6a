/**
 * `fanout`: one publisher, many subscribers, one room. What a delivery costs, and how late it is, from a trickle to more
 * than can be done.
 *
 * A run has a fresh server and a warm-up of its own, and is compared with the bare publish of the same runtime in the same
 * round.
 */
import { oneChannel } from '../generator/topology.ts';
import type { Reporter } from '../report/reporter.ts';
import type { Running } from '../systems/running.ts';
import type { Alternation } from './alternation.ts';
import {
  addBars,
  addKeepsUpBar,
  addWindowBars,
  cpu,
  type Figure,
  p50,
  p99,
  perCpuSecond,
  type Promised,
} from './bars.ts';
import type { Delivery } from './delivery.ts';
import { type SweepOptions, sweep } from './sweep.ts';

const bare = 'bare-bun';
const raw = 'outcry-bun';
const json = 'outcry-bun-json';
const msgpack = 'outcry-bun-msgpack';

/** With the default settings on Bun, at these rates. */
const promises = new Map<number, Promised[]>([
  [10, [raw, json, msgpack].flatMap((ours) => [p50, p99, cpu].map((figure) => noWorse(ours, figure)))],
  [100, [raw, json, msgpack].flatMap((ours) => [p99, cpu].map((figure) => noWorse(ours, figure)))],
  [
    500,
    [raw, json, msgpack].flatMap((ours) => [
      { ours, against: bare, figure: cpu, limit: 0.65 },
      { ours, against: bare, figure: p99, limit: 1.5 },
    ]),
  ],
  [3_000, [{ ours: msgpack, against: bare, figure: cpu, limit: 0.6 }, noWorse(msgpack, p99)]],
  [
    15_000,
    [
      { ours: msgpack, against: bare, figure: perCpuSecond, limit: 5, atLeast: true },
      { ours: msgpack, against: 'nats', figure: perCpuSecond, limit: 5, atLeast: true },
      { ours: msgpack, against: 'socket.io', figure: perCpuSecond, limit: 100, atLeast: true },
    ],
  ],
]);

const keepsUp = { rate: 10_000, limitMs: 60, systems: [msgpack, json] };

/** One publication per frame: what the native protocol costs beyond a raw room. */
const unbatched = { rate: 500, ours: 'outcry-bun-msgpack-0ms', against: 'outcry-bun-0ms', limit: 1.05 };

const windows = ['bun-5ms', 'bun-20ms'];

export async function fanout(options: SweepOptions, running: Running, reporter: Reporter): Promise<void> {
  const measured = await sweep('fanout', oneChannel, options, running, reporter);
  for (const [rate, alternation] of measured) decide(rate, alternation, reporter);
}

function decide(rate: number, alternation: Alternation<Delivery>, reporter: Reporter): void {
  addBars(rate, promises.get(rate) ?? [], alternation, reporter);
  if (rate === keepsUp.rate)
    for (const system of keepsUp.systems) addKeepsUpBar(rate, system, keepsUp.limitMs, alternation, reporter);
  addWindowBars(rate, msgpack, windows, alternation, reporter);
  if (rate === unbatched.rate) addBars(rate, [{ ...unbatched, figure: cpu }], alternation, reporter);
}

function noWorse(ours: string, figure: Figure): Promised {
  return { ours, against: bare, figure, limit: 1 };
}
