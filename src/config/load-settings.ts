/**
 * Brings the settings together: flag before environment before file before default.
 *
 * Unknown names, values out of bounds and combinations that cannot work all stop the start. Every problem is reported
 * at once, each with its source, so that nobody has to start five times to find five mistakes.
 */
import { readFileSync } from 'node:fs';
import type { z } from 'zod';
import { UserError } from '../errors.ts';
import type { Setting } from './setting.ts';
import {
  environmentVariableOf,
  flagOf,
  type SettingKey,
  type Settings,
  settingKeys,
  settingsTable,
} from './settings.ts';

export const defaultConfigFile = 'outcry.config.json';

/** Variables with our prefix that are not settings: where the file is, where clients find a node, a switch of the tests. */
const otherVariables = new Set(['OUTCRY_CONFIG', 'OUTCRY_API', 'OUTCRY_URL', 'OUTCRY_TEST_INSTALL']);

export type Source = 'flag' | 'environment' | 'file' | 'default';

export interface LoadedSettings {
  readonly settings: Settings;
  /** Where each value came from. */
  readonly sources: Readonly<Record<SettingKey, Source>>;
  /** The file that was read, or null where there is none. */
  readonly file: string | null;
}

export interface SettingSources {
  /** Flags by key of the table; only those that were given. */
  flags: Readonly<Partial<Record<SettingKey, string>>>;
  environment: Readonly<Record<string, string | undefined>>;
  /** File named by the user; it must exist. Without it, `outcry.config.json` is read if it is there. */
  configFile?: string | undefined;
}

interface Given {
  value: unknown;
  source: Source;
  /** The name under which the user knows it: `--port`, `OUTCRY_PORT`, `port in outcry.config.json`. */
  name: string;
}

/** @throws UserError that lists every unknown or impossible setting */
export function loadSettings({ flags, environment, configFile }: SettingSources): LoadedSettings {
  const named = configFile ?? environment.OUTCRY_CONFIG;
  const file = readConfigFile(named ?? defaultConfigFile, named !== undefined);
  const problems = [...unknownVariables(environment), ...unknownKeys(file)];

  const settings: Partial<Record<SettingKey, unknown>> = {};
  const sources: Partial<Record<SettingKey, Source>> = {};
  for (const key of settingKeys) {
    const given = find(key, flags, environment, file);
    sources[key] = given.source;
    const parsed = settingsTable[key].schema.safeParse(given.value);
    if (parsed.success) settings[key] = parsed.data;
    else problems.push(...refusals(key, given, parsed.error.issues));
  }
  if (problems.length === 0) problems.push(...impossible(settings as Settings));
  if (problems.length > 0) throw new UserError(problems.join('\n'));
  return {
    settings: settings as Settings,
    sources: sources as Record<SettingKey, Source>,
    file: file?.path ?? null,
  };
}

interface ConfigFile {
  path: string;
  values: Record<string, unknown>;
}

/** Why a file cannot be read, by the code of the system's error. */
const unreadable: Record<string, string> = {
  ENOENT: 'it does not exist',
  EISDIR: 'it is a directory',
  EACCES: 'this user may not read it',
};

function readConfigFile(path: string, mustExist: boolean): ConfigFile | null {
  let content: string;
  try {
    content = readFileSync(path, 'utf8');
  } catch (error) {
    const { code = '', message } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' && !mustExist) return null;
    throw new UserError(`cannot read the settings file ${path}: ${unreadable[code] ?? message}`);
  }
  let values: unknown;
  try {
    values = JSON.parse(content);
  } catch {
    // The parser's own message quotes what stands at the fault, and that may be the admin key.
    throw new UserError(`the settings file ${path} is not JSON: look for a missing quote or a stray comma`);
  }
  if (typeof values !== 'object' || values === null || Array.isArray(values))
    throw new UserError(`the settings file ${path} must hold one JSON object, like {"port": 8080}`);
  return { path, values: values as Record<string, unknown> };
}

function find(
  key: SettingKey,
  flags: SettingSources['flags'],
  environment: SettingSources['environment'],
  file: ConfigFile | null,
): Given {
  const variable = environmentVariableOf(key);
  if (flags[key] !== undefined) return { value: flags[key], source: 'flag', name: flagOf(key) };
  if (environment[variable] !== undefined)
    return { value: environment[variable], source: 'environment', name: variable };
  if (file !== null && Object.hasOwn(file.values, key))
    return { value: file.values[key], source: 'file', name: `${key} in ${file.path}` };
  return { value: settingsTable[key].default, source: 'default', name: key };
}

function refusals(key: SettingKey, given: Given, issues: readonly z.core.$ZodIssue[]): string[] {
  const { allowed, secret, faults }: Setting = settingsTable[key];
  const parts = faults?.(issues) ?? [];
  if (parts.length > 0) return parts.map((fault) => `${given.name}: ${fault}`);
  const shown = secret ? 'the given value' : JSON.stringify(given.value);
  return [`${given.name}: ${shown} is not allowed; it must be ${allowed}`];
}

function unknownVariables(environment: SettingSources['environment']): string[] {
  const known = new Set([...settingKeys.map(environmentVariableOf), ...otherVariables]);
  return Object.keys(environment)
    .filter((name) => name.startsWith('OUTCRY_') && !known.has(name))
    .map((name) => `${name}: there is no such setting; \`outcry serve --help\` lists them all`);
}

function unknownKeys(file: ConfigFile | null): string[] {
  if (file === null) return [];
  return Object.keys(file.values)
    .filter((key) => !Object.hasOwn(settingsTable, key))
    .map((key) => `${key} in ${file.path}: there is no such setting; \`outcry serve --help\` lists them all`);
}

/** Settings that are each allowed and cannot work together. */
function impossible(settings: Settings): string[] {
  const problems: string[] = [];
  if (settings.backpressureLimitBytes < 2 * settings.maxPayloadBytes)
    problems.push(
      `backpressureLimitBytes: ${settings.backpressureLimitBytes} is not allowed; it must be at least twice maxPayloadBytes (${settings.maxPayloadBytes}), or one message could end a healthy connection`,
    );
  for (const [name, { maxPayloadBytes = 0 }] of settings.namespaces)
    if (maxPayloadBytes > settings.maxPayloadBytes)
      problems.push(
        `namespaces: namespace ${JSON.stringify(name)}: maxPayloadBytes ${maxPayloadBytes} is not allowed; it must be at most the node's own (${settings.maxPayloadBytes})`,
      );
  if (settings.adminKey === null && !isLoopback(settings.adminHost))
    problems.push(
      `adminHost: ${JSON.stringify(settings.adminHost)} is not a loopback address, so adminKey must be set (16 characters or more); without a key only 127.0.0.1, ::1 and localhost are allowed`,
    );
  if (settings.port !== 0 && settings.port === settings.adminPort)
    problems.push(
      `adminPort: ${settings.adminPort} is not allowed; it must differ from port, the public listener's`,
    );
  return problems;
}

/** True for addresses that only this machine can reach. */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127\.\d{1,3}\.\d{1,3}\.\d{1,3}$/.test(host);
}
