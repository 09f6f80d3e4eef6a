/**
 * `outcry check`: shows the settings that would be in force, where each came from, and what does not fit this machine.
 */
import { availableParallelism, totalmem } from 'node:os';
import { advise, type Machine } from '../config/advice.ts';
import { kernelLimits } from '../config/kernel-limits.ts';
import type { LoadedSettings } from '../config/load-settings.ts';
import { connectionsThatFit, descriptorLimit, workersOf } from '../config/machine.ts';
import { resolveNamespaces } from '../config/namespaces.ts';
import { type SettingKey, type Settings, settingKeys, settingsTable } from '../config/settings.ts';
import { adviseSizing, type Sizing, sizingEffort, sizingRows } from '../config/sizing.ts';

export interface CheckOptions {
  /** Clients that this machine is to hold; null for those that its nodes may hold by their settings. */
  clients: number | null;
  /** `maxconn` of the HAProxy before it; null if nobody said. */
  haproxyMaxconn: number | null;
}

export interface CheckedMachine extends Machine, Pick<Sizing, 'cores' | 'kernel'> {}

const nothingTold: CheckOptions = { clients: null, haproxyMaxconn: null };

/** What `outcry check` prints, without the last line break; of this machine unless another is given. */
export function check(
  loaded: LoadedSettings,
  { clients, haproxyMaxconn }: CheckOptions = nothingTold,
  machine: CheckedMachine = thisMachine(),
): string {
  const { settings } = loaded;
  const rows = settingKeys.map((key) => [key, show(loaded, key), loaded.sources[key]]);
  const workers = workersOf(settings);
  const perProcess = settings.maxConnections ?? connectionsThatFit(machine.descriptorLimit);
  const sizing = { ...machine, perProcess, haproxyMaxconn, clients: clients ?? workers * perProcess };
  const advice = [
    ...advise(settings, machine),
    ...adviseSizing({ ...sizing, perProcess: Math.min(perProcess, sizing.clients), workers }),
  ];
  return [
    `settings file: ${loaded.file ?? 'none'}`,
    '',
    ...alignColumns([['setting', 'value', 'from'], ...rows]),
    '',
    ...alignColumns([['namespace', 'subscribe', 'publish', 'payload'], ...namespaceRows(loaded)]),
    '',
    ...alignColumns([
      ['machine', 'value', 'enough for'],
      ...sizingRows(sizing).map(({ what, value, clients: enough }) => [
        what,
        value,
        enough === null ? '' : `${enough.toLocaleString('en')} clients`,
      ]),
    ]),
    '',
    `descriptor limit: ${machine.descriptorLimit}, enough for ${capacity(settings, machine)}`,
    sizingEffort(sizing),
    ...(advice.length === 0 ? ['everything fits'] : advice.map((sentence) => `warning: ${sentence}`)),
  ].join('\n');
}

function capacity(settings: Settings, { descriptorLimit }: Machine): string {
  const each = connectionsThatFit(descriptorLimit);
  const workers = workersOf(settings);
  return workers === 1
    ? `${each} connections`
    : `${each} connections in each of ${workers} workers, ${each * workers} together`;
}

function thisMachine(): CheckedMachine {
  return {
    descriptorLimit: descriptorLimit(),
    memoryBytes: totalmem(),
    cores: availableParallelism(),
    kernel: kernelLimits(),
  };
}

/** What holds in each namespace once profile and defaults are applied. */
function namespaceRows({ settings }: LoadedSettings): string[][] {
  return [...resolveNamespaces(settings)].map(([name, { subscribe, publish, maxPayloadBytes }]) => [
    name,
    subscribe,
    publish,
    `${maxPayloadBytes} bytes`,
  ]);
}

function show({ settings }: LoadedSettings, key: SettingKey): string {
  const value = settings[key];
  const { unit, secret } = settingsTable[key];
  if (value === null) return key === 'maxConnections' ? 'auto' : '–';
  if (secret) return '(set)';
  if (value instanceof Map) return value.size === 0 ? 'none' : [...value.keys()].join(', ');
  if (Array.isArray(value)) return value.length === 0 ? 'any' : value.join(', ');
  return unit === '' ? String(value) : `${value} ${unit}`;
}

function alignColumns(rows: string[][]): string[] {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  return rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  );
}
