/**
 * Charts from figures: one for each metric, one line or bar for each system.
 */
import { again, type Figure, figuresOf, scaleOf } from './figures.ts';
import { median } from './median.ts';
import type { Report } from './report.ts';

export interface Series {
  readonly system: string;
  /** One for each load; null where it was not measured. */
  readonly points: readonly (Point | null)[];
}

export interface Point {
  /** Median over the rounds. */
  readonly value: number;
  readonly low: number;
  readonly high: number;
  /** A run behind it does not count for this metric. */
  readonly doubtful: boolean;
}

export interface Chart {
  readonly title: string;
  readonly unit: string;
  readonly better: 'lower' | 'higher';
  /** What the loads are; empty if there is only one of them, then it is a chart of bars. */
  readonly scale: string;
  /** The loads, rising. */
  readonly at: readonly number[];
  /** The values are so far apart that equal ratios should look equal. */
  readonly logarithmic: boolean;
  readonly series: readonly Series[];
}

/** Beyond this ratio of the largest value to the smallest, small ones could not be told from zero. */
const largestLinearRatio = 15;

export function chartsOf(report: Report): Chart[] {
  const figures = figuresOf(report);
  const metrics = [...new Set(figures.map(({ metric }) => metric))];
  return metrics.map((metric) =>
    chartOf(
      figures.filter((figure) => figure.metric === metric),
      scaleOf(report)?.name ?? '',
    ),
  );
}

function chartOf(figures: readonly Figure[], scale: string): Chart {
  const { metric } = figures[0] as Figure;
  const at = [...new Set(figures.map((figure) => figure.at))].sort((a, b) => a - b);
  const systems = [...new Set(figures.map(({ system }) => nameOf(system)))];
  const series = systems.map((system) => ({
    system,
    points: at.map((load) =>
      // Both runs of a bare system in a round are that system.
      pointOf(figures.filter((figure) => figure.at === load && nameOf(figure.system) === system)),
    ),
  }));
  const values = series.flatMap(({ points }) => points.map((point) => point?.value ?? Number.NaN));
  const known = values.filter((value) => !Number.isNaN(value));
  return {
    title: metric.name,
    unit: metric.unit,
    better: metric.better,
    scale: at.length > 1 ? scale : '',
    at,
    logarithmic: Math.min(...known) > 0 && Math.max(...known) / Math.min(...known) > largestLinearRatio,
    series,
  };
}

function pointOf(figures: readonly Figure[]): Point | null {
  const runs = figures.flatMap((figure) => figure.runs).filter(({ value }) => Number.isFinite(value));
  if (runs.length === 0) return null;
  const values = runs.map(({ value }) => value);
  return {
    value: median(values),
    low: Math.min(...values),
    high: Math.max(...values),
    doubtful: runs.some(({ counts }) => !counts),
  };
}

function nameOf(system: string): string {
  return system.endsWith(again) ? system.slice(0, -again.length) : system;
}
