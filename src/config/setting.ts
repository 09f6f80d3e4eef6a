/**
 * What a setting is: one row of a table in `settings/`, and the kinds of value that a row may have.
 *
 * A value arrives as text (flag, environment) or as JSON (file). Both go through the same zod schema, so that a wrong
 * value is refused with the same words wherever it stood.
 */
import { z } from 'zod';

/** One row of a table. */
export interface Setting<Value = unknown> {
  /** Parses text and JSON alike; fails on everything that `allowed` does not describe. */
  readonly schema: z.ZodType<Value>;
  /** Used when no source names the setting; `null` where the value is found at start, as `sentence` says. */
  readonly default: Value;
  /** The permitted values, in words that complete "… must be". */
  readonly allowed: string;
  /** Unit of the value, or '' where there is none. */
  readonly unit: string;
  /** What it does, in one sentence. */
  readonly sentence: string;
  /** True for values that must never be printed. */
  readonly secret: boolean;
  /** What is wrong with a value that has parts, a sentence each; without it, or with none, the value is wrong as a whole. */
  readonly faults?: (issues: readonly z.core.$ZodIssue[]) => string[];
}

interface Row<Value> {
  default: Value;
  sentence: string;
  unit?: string;
  secret?: boolean;
}

/** A whole number within bounds, both included. */
export function integer(row: Row<number> & { min: number; max: number }): Setting<number> {
  const number = z.int().min(row.min).max(row.max);
  return setting(
    row,
    fromText(/^-?\d{1,15}$/, Number, number),
    `a whole number from ${row.min} to ${row.max}`,
  );
}

/** Like `integer`, but found at start unless it is set. */
export function integerOrAuto(
  row: Omit<Row<null>, 'default'> & { min: number; max: number },
): Setting<number | null> {
  const { schema, allowed } = integer({ ...row, default: row.min });
  return setting({ ...row, default: null }, schema.nullable(), allowed);
}

/** A whole number within bounds, or a word that stands for one that is found at start. */
export function integerOr<const Word extends string>(
  row: Row<number | NoInfer<Word>> & { word: Word; min: number; max: number },
): Setting<number | Word> {
  const { schema, allowed } = integer({ ...row, default: row.min });
  return setting<number | Word>(row, z.union([z.literal(row.word), schema]), `${allowed}, or ${row.word}`);
}

/** A narrower rule for text than its length, and the words for it. */
interface Rule {
  valid?: (text: string) => boolean;
  allowed?: string;
}

/** Text of 1 to `max` printable characters. */
export function text(row: Row<string> & Rule & { max: number }): Setting<string> {
  const { valid = () => true, allowed = `1 to ${row.max} printable characters` } = row;
  return setting(row, printable(row.max).refine(valid), allowed);
}

/** Like `text`, but absent unless it is set. `min` guards against keys that are too short to be secret. */
export function optionalText(
  row: Omit<Row<null>, 'default'> & Rule & { min?: number; max: number },
): Setting<string | null> {
  const { min = 1, valid = () => true } = row;
  const { allowed = `${min} to ${row.max} printable characters` } = row;
  return setting({ ...row, default: null }, printable(row.max).min(min).refine(valid).nullable(), allowed);
}

/** One of a few words. */
export function choice<const Word extends string>(
  row: Row<NoInfer<Word>> & { words: readonly [Word, ...Word[]] },
): Setting<Word> {
  return setting(row, z.enum(row.words), `one of ${row.words.join(', ')}`);
}

/** Items separated by commas, or a JSON list of text; each must satisfy `item`, which `allowedItem` describes. */
export function list(
  row: Row<readonly string[]> & { item: (text: string) => boolean; allowedItem: string; maxItems: number },
): Setting<readonly string[]> {
  const items = z.array(z.string().refine(row.item)).max(row.maxItems);
  const schema = z.preprocess((raw) => (typeof raw === 'string' ? splitList(raw) : raw), items);
  return setting(row, schema, `at most ${row.maxItems} values, separated by commas, each ${row.allowedItem}`);
}

/** A value with parts: JSON text, or the object itself in the file. `faults` names the part that is wrong. */
export function structure<Value>(
  row: Row<Value> & Pick<Setting<Value>, 'schema' | 'allowed'> & Required<Pick<Setting, 'faults'>>,
): Setting<Value> {
  return { ...setting(row, row.schema, row.allowed), faults: row.faults };
}

/** True for a value that stands for "nothing is set". */
export function isUnset(value: unknown): boolean {
  if (value instanceof Map) return value.size === 0;
  return value === null || (Array.isArray(value) && value.length === 0);
}

function setting<Value>(row: Row<Value>, schema: z.ZodType<Value>, allowed: string): Setting<Value> {
  const { default: initial, sentence, unit = '', secret = false } = row;
  return { schema, default: initial, allowed, unit, sentence, secret };
}

function fromText<Value>(pattern: RegExp, convert: (text: string) => Value, schema: z.ZodType<Value>) {
  return z.preprocess(
    (raw) => (typeof raw === 'string' && pattern.test(raw) ? convert(raw) : raw),
    schema,
  ) as z.ZodType<Value>;
}

function printable(max: number) {
  return z
    .string()
    .min(1)
    .max(max)
    .regex(/^\P{Cc}*$/u);
}

function splitList(raw: string): string[] {
  return raw
    .split(',')
    .map((item) => item.trim())
    .filter((item) => item !== '');
}
