/**
 * `outcry check`: shows the settings that would be in force, where each came from, and what does not fit this machine.
 */
import { totalmem } from 'node:os';
import { advise, type Machine } from '../config/advice.ts';
import type { LoadedSettings } from '../config/load-settings.ts';
import { connectionsThatFit, descriptorLimit, workersOf } from '../config/machine.ts';
import { resolveNamespaces } from '../config/namespaces.ts';
import { type SettingKey, type Settings, settingKeys, settingsTable } from '../config/settings.ts';

/** What `outcry check` prints, without the last line break; of this machine unless another is given. */
export function check(loaded: LoadedSettings, machine: Machine = thisMachine()): string {
  const rows = settingKeys.map((key) => [key, show(loaded, key), loaded.sources[key]]);
  const advice = advise(loaded.settings, machine);
  return [
    `settings file: ${loaded.file ?? 'none'}`,
    '',
    ...alignColumns([['setting', 'value', 'from'], ...rows]),
    '',
    ...alignColumns([['namespace', 'subscribe', 'publish', 'payload'], ...namespaceRows(loaded)]),
    '',
    `descriptor limit: ${machine.descriptorLimit}, enough for ${capacity(loaded.settings, machine)}`,
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

function thisMachine(): Machine {
  return { descriptorLimit: descriptorLimit(), memoryBytes: totalmem() };
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
