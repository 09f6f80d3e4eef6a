/**
 * What a scenario leaves behind: the JSON file from which the page and every comparison are made.
 */
import type { Machine } from './machine.ts';

/** One run of one system as it was measured; each scenario has its own fields. */
export type Raw = Readonly<Record<string, unknown>>;

export interface Report {
  /** The line that makes the same report again. */
  readonly command: string;
  readonly startedAt: string;
  /** How long it took. Reports of before do not say. */
  readonly seconds?: number;
  readonly machine: Machine;
  /** By name. Reports of before have none. */
  readonly versions?: Readonly<Record<string, string>>;
  /** Rows as they are printed, by the title of their table. */
  readonly tables: Readonly<Record<string, readonly Record<string, string>[]>>;
  readonly notes: readonly string[];
  /** In the order in which they ran. */
  readonly raw: readonly Raw[];
}

/** @throws SyntaxError or TypeError with a sentence, if it is no such file */
export function parseReport(text: string, file: string): Report {
  const report = JSON.parse(text) as Partial<Report> | null;
  if (!Array.isArray(report?.raw) || typeof report.command !== 'string' || report.tables === undefined)
    throw new TypeError(`${file} is not what a scenario writes`);
  return report as Report;
}

/** The scenario of its runs; empty if there were none. */
export function scenarioOf({ raw }: Report): string {
  return textAt(raw[0] ?? {}, 'scenario');
}

/** A number inside, like `measured.latency.p99`. NaN if there is none. */
export function numberAt(raw: Raw, path: string): number {
  const value = valueAt(raw, path);
  return typeof value === 'number' ? value : Number.NaN;
}

/** A text inside; empty if there is none. */
export function textAt(raw: Raw, path: string): string {
  const value = valueAt(raw, path);
  return typeof value === 'string' ? value : '';
}

function valueAt(raw: Raw, path: string): unknown {
  let value: unknown = raw;
  for (const name of path.split('.')) {
    if (typeof value !== 'object' || value === null) return undefined;
    value = (value as Record<string, unknown>)[name];
  }
  return value;
}
