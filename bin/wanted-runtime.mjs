/**
 * On which runtime a command line wants to run: `bun` (the default) or `node`.
 *
 * The launcher must know before anything can read the settings, so it looks where they stand, in the same order: flag,
 * environment, file. It judges nothing: a wrong value is reported by the program with all other mistakes.
 */
import { readFileSync } from 'node:fs';

/**
 * @param {readonly string[]} args
 * @param {Readonly<Record<string, string | undefined>>} environment
 * @returns {'bun' | 'node'}
 */
export function wantedRuntime(args, environment) {
  const wanted =
    flag(args, '--runtime') ??
    environment.OUTCRY_RUNTIME ??
    inFile(flag(args, '--config') ?? environment.OUTCRY_CONFIG ?? 'outcry.config.json');
  return wanted === 'node' ? 'node' : 'bun';
}

/**
 * The last value of a flag, as `--flag value` or `--flag=value`.
 *
 * @param {readonly string[]} args
 * @param {string} name
 */
function flag(args, name) {
  let value;
  args.forEach((arg, index) => {
    if (arg === name) value = args[index + 1];
    else if (arg.startsWith(`${name}=`)) value = arg.slice(name.length + 1);
  });
  return value;
}

/** @param {string} file */
function inFile(file) {
  try {
    return JSON.parse(readFileSync(file, 'utf8')).runtime;
  } catch {
    return undefined; // Missing or broken: the program says so.
  }
}
