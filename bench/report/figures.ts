/**
 * What the runs of a report say, one figure at a time: a metric of a system under one load, over all rounds.
 *
 * Pages and comparisons are made from these, so what a scenario measures is described once: here.
 */
import type { Status } from '../generator/verdict.ts';
import { numberAt, type Raw, type Report, scenarioOf, textAt } from './report.ts';

export interface Metric {
  readonly name: string;
  readonly unit: string;
  readonly better: 'lower' | 'higher';
  /** Runs of these verdicts may be believed in it. */
  readonly counts: readonly Status[];
  of(raw: Raw): number;
}

export interface Run {
  readonly value: number;
  /** It may be believed in this metric. */
  readonly counts: boolean;
}

export interface Figure {
  readonly metric: Metric;
  readonly system: string;
  /** The bare publish that it is compared with; empty if the report does not say. */
  readonly bare: string;
  /** The load: messages a second, rooms; 0 where there is only one. */
  readonly at: number;
  /** In the order of the rounds. */
  readonly runs: readonly Run[];
}

/** What varies from load to load, in words; null where nothing does. */
export interface Scale {
  readonly name: string;
  /** Behind a number: `500/s`. */
  readonly suffix: string;
}

interface Shape {
  readonly scale: Scale | null;
  readonly metrics: readonly Metric[];
  at(raw: Raw): number;
  system(raw: Raw): string;
}

/** The second run of a bare system in a round: see `scenarios/alternation.ts`. */
export const again = ' again';

/** A generator that is late sends bursts, and a burst costs any server less; see `scenarios/delivery.ts`. */
const maxBurstLagMs = 10;

const exact: readonly Status[] = ['ok'];
const accounted: readonly Status[] = ['ok', 'generator-bound'];
const delivered: readonly Status[] = ['ok', 'generator-bound', 'behind'];

const deliveryMetrics: readonly Metric[] = [
  metric('deliveries/s', '', 'higher', delivered, 'measured.deliveriesPerSecond'),
  metric('p50', 'ms', 'lower', exact, 'measured.latency.p50'),
  metric('p99', 'ms', 'lower', exact, 'measured.latency.p99'),
  metric('p99.9', 'ms', 'lower', exact, 'measured.latency.p999'),
  metric('CPU per delivery', 'µs', 'lower', accounted, 'cpuMicrosPerDelivery'),
  metric('resident memory', 'MB', 'lower', delivered, 'residentBytes', 1e-6),
];

const messageRate: Scale = { name: 'messages/s', suffix: '/s' };
const bySystem = (raw: Raw) => textAt(raw, 'system');
const sweep: Shape = {
  scale: messageRate,
  metrics: deliveryMetrics,
  at: (raw) => numberAt(raw, 'rate'),
  system: bySystem,
};
const nowhere = () => 0;

/** Scenarios that are not here, but measure deliveries, are sweeps. */
const shapes: Readonly<Record<string, Shape>> = {
  rooms: {
    ...sweep,
    scale: { name: 'rooms', suffix: ' rooms' },
    at: (raw) => numberAt(raw, 'topology.channels'),
  },
  idle: {
    scale: null,
    metrics: [
      metric('user space of a connection', 'B', 'lower', accounted, 'userBytes'),
      metric('kernel memory of a connection, both ends', 'B', 'lower', accounted, 'kernelBytes'),
      metric('handshakes/s', '', 'higher', exact, 'handshakesPerSecond'),
      metric('CPU per handshake', 'µs', 'lower', accounted, 'cpuMicrosPerHandshake'),
    ],
    at: nowhere,
    system: bySystem,
  },
  publish: {
    scale: null,
    metrics: [
      metric('CPU per request', 'µs', 'lower', exact, 'cpuMicrosPerRequest'),
      metric('requests/s', '', 'higher', exact, 'requestsPerSecond'),
      metric('p99', 'ms', 'lower', exact, 'p99Ms'),
    ],
    at: nowhere,
    system: bySystem,
  },
  bridge: {
    scale: messageRate,
    metrics: deliveryMetrics.filter(({ name }) => name.startsWith('p')),
    at: (raw) => numberAt(raw, 'rate'),
    system: (raw) => (textAt(raw, 'heardOn') === '' ? '' : `heard on the ${textAt(raw, 'heardOn')} node`),
  },
  'browser-cost': {
    scale: null,
    metrics: [
      {
        ...metric('main thread for 10,000 publications', 'ms', 'lower', exact, 'busyMs'),
        of: (raw) =>
          ((numberAt(raw, 'busyMs') - numberAt(raw, 'idleMs')) * 10_000) / numberAt(raw, 'publications'),
      },
    ],
    at: nowhere,
    system: (raw) => textAt(raw, 'way').replace(' (again)', again),
  },
};

/** Null for a scenario that varies nothing, or is not known here. */
export function scaleOf(report: Report): Scale | null {
  return shapeOf(report)?.scale ?? null;
}

/** `500/s`, or nothing where there is one load only. */
export function loadText(report: Report, at: number): string {
  const scale = scaleOf(report);
  return scale === null ? '' : `${at.toLocaleString('en')}${scale.suffix}`;
}

/** The system and the load of a run; null if it is something else, like the intake of `bridge`. */
export function placeOf(report: Report, raw: Raw): { system: string; at: number } | null {
  const shape = shapeOf(report);
  if (shape === undefined) return null;
  const place = { system: shape.system(raw), at: shape.at(raw) };
  return place.system === '' || Number.isNaN(place.at) ? null : place;
}

/** In the order of metrics, then of the first appearance. Both runs of a bare system stand for themselves. */
export function figuresOf(report: Report): Figure[] {
  const metrics = shapeOf(report)?.metrics ?? [];
  const places = new Map<string, { system: string; at: number; raws: Raw[] }>();
  for (const raw of report.raw) {
    const place = placeOf(report, raw);
    if (place === null) continue;
    const key = `${place.at} ${place.system}`;
    const known = places.get(key);
    if (known === undefined) places.set(key, { ...place, raws: [raw] });
    else known.raws.push(raw);
  }
  const bares = [...new Set([...places.values()].map(({ system }) => system))]
    .filter((system) => system.endsWith(again))
    .map((system) => system.slice(0, -again.length));
  return metrics
    .flatMap((each) =>
      [...places.values()].map(({ system, at, raws }) => ({
        metric: each,
        system,
        at,
        bare: textAt(raws[0] ?? {}, 'bare') || (bares.length === 1 ? (bares[0] as string) : ''),
        runs: raws.map((raw) => ({ value: each.of(raw), counts: counts(raw, each) })),
      })),
    )
    .filter(({ runs }) => runs.some(({ value }) => !Number.isNaN(value)));
}

/** The worst that can be said of a run; `ok` where a scenario has no verdicts. */
export function statusOf(raw: Raw): Status {
  return (textAt(raw, 'measured.verdict.status') || textAt(raw, 'status') || 'ok') as Status;
}

function shapeOf(report: Report): Shape | undefined {
  const measuresDeliveries = !Number.isNaN(numberAt(report.raw[0] ?? {}, 'measured.deliveriesPerSecond'));
  return shapes[scenarioOf(report)] ?? (measuresDeliveries ? sweep : undefined);
}

function counts(raw: Raw, { counts: believed }: Metric): boolean {
  const isCost = believed === accounted;
  const bursts = isCost && numberAt(raw, 'measured.scheduleLag.p99') > maxBurstLagMs;
  return believed.includes(statusOf(raw)) && !bursts;
}

function metric(
  name: string,
  unit: string,
  better: Metric['better'],
  believed: readonly Status[],
  path: string,
  factor = 1,
): Metric {
  return { name, unit, better, counts: believed, of: (raw) => numberAt(raw, path) * factor };
}
