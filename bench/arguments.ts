/**
 * Values on the command line of a benchmark, checked.
 */
import { InvalidArgumentError, Option } from 'commander';
import { catalogue, systemNamed } from './systems/catalogue.ts';
import type { System } from './systems/system.ts';

export function systemsOption(usual: readonly System[]): Option {
  return new Option('--systems <list>', `some of ${namesOf(catalogue)}; "all" for all`)
    .argParser(systems)
    .default(usual, namesOf(usual));
}

/** @param name of the scenario */
export function outOption(name: string): Option {
  return new Option('--out <file>', 'where the figures go').default(`bench/results/${name}.json`);
}

/** One of some words. */
export function oneOf<T extends string>(...choices: readonly T[]): (text: string) => T {
  return (text) => {
    const choice = choices.find((each) => each === text);
    if (choice === undefined) throw new InvalidArgumentError(`there are ${choices.join(',')}`);
    return choice;
  };
}

/** A list of such words. */
export function someOf<T extends string>(...choices: readonly T[]): (text: string) => T[] {
  return (text) => text.split(',').map(oneOf(...choices));
}

export function wholeFrom(least: number): (text: string) => number {
  return (text) => {
    const number = Number(text);
    if (!Number.isInteger(number) || number < least)
      throw new InvalidArgumentError(`it must be a whole number, at least ${least}`);
    return number;
  };
}

export function wholesFrom(least: number): (text: string) => number[] {
  return (text) => text.split(',').map(wholeFrom(least));
}

export function positives(text: string): number[] {
  return text.split(',').map(positive);
}

export function positive(text: string): number {
  const number = Number(text);
  if (!(number > 0)) throw new InvalidArgumentError('it must be a number above 0');
  return number;
}

function systems(text: string): System[] {
  if (text === 'all') return [...catalogue];
  try {
    return text.split(',').map(systemNamed);
  } catch (error) {
    throw new InvalidArgumentError((error as Error).message);
  }
}

function namesOf(some: readonly System[]): string {
  return some.map(({ name }) => name).join(',');
}
