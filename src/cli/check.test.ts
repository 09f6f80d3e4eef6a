import { describe, expect, test } from 'vitest';
import type { LoadedSettings, Source } from '../config/load-settings.ts';
import { type SettingKey, type Settings, settingKeys, settingsTable } from '../config/settings.ts';
import { check as checkOn } from './check.ts';

// What this machine allows must not decide what the test sees.
const kernel = {
  somaxconn: 4_096,
  allDescriptors: 1_000_000,
  tcpMemory: null,
  localPorts: 28_232,
  tracked: null,
};
const machine = { descriptorLimit: 10_128, memoryBytes: 8 * 1_024 ** 3, cores: 2, kernel };
const check = (settings: LoadedSettings) => checkOn(settings, undefined, machine);

function loaded(
  changes: Partial<Settings> = {},
  from: Partial<Record<SettingKey, Source>> = {},
  file: string | null = null,
): LoadedSettings {
  const settings = Object.fromEntries(settingKeys.map((key) => [key, settingsTable[key].default]));
  const sources = Object.fromEntries(settingKeys.map((key) => [key, 'default']));
  return {
    settings: { ...settings, ...changes } as Settings,
    sources: { ...sources, ...from } as Record<SettingKey, Source>,
    file,
  };
}

/** The cells of the row of a setting. */
function row(output: string, key: SettingKey): string[] {
  const line = output.split('\n').find((candidate) => candidate.startsWith(`${key} `));
  return line?.split(/ {2,}/) ?? [];
}

describe('outcry check', () => {
  test('shows every setting once, in the order of the table', () => {
    const lines = check(loaded()).split('\n');
    const start = lines.findIndex((line) => /^setting +value +from$/.test(line)) + 1;
    expect(lines.slice(start, start + settingKeys.length).map((line) => line.split(' ')[0])).toEqual(
      settingKeys,
    );
    expect(lines[start + settingKeys.length]).toBe('');
  });

  test('shows values with their unit and where they came from', () => {
    const output = check(
      loaded({ port: 9_001, idleTimeoutMs: 5_000 }, { port: 'flag', idleTimeoutMs: 'file' }),
    );
    expect(row(output, 'port')).toEqual(['port', '9001', 'flag']);
    expect(row(output, 'idleTimeoutMs')).toEqual(['idleTimeoutMs', '5000 ms', 'file']);
    expect(row(output, 'host')).toEqual(['host', '0.0.0.0', 'default']);
  });

  test('never shows the admin key', () => {
    const output = check(loaded({ adminKey: 'correct horse battery' }, { adminKey: 'environment' }));
    expect(output).not.toContain('correct');
    expect(row(output, 'adminKey')).toEqual(['adminKey', '(set)', 'environment']);
  });

  test('has a word for values that are absent or found at start', () => {
    const output = check(loaded());
    expect(row(output, 'adminKey')[1]).toBe('–');
    expect(row(output, 'nodeId')[1]).toBe('–');
    expect(row(output, 'maxConnections')[1]).toBe('auto');
    expect(row(output, 'origins')[1]).toBe('any');
  });

  test('shows a list with commas', () => {
    const output = check(loaded({ origins: ['https://a.example', 'https://b.example'] }));
    expect(row(output, 'origins')[1]).toBe('https://a.example, https://b.example');
  });

  test('shows what holds in each namespace, and that nothing is forbidden where nothing is set', () => {
    const table = (changes: Partial<Settings>) => {
      const lines = check(loaded(changes)).split('\n');
      const start = lines.findIndex((line) => /^namespace +subscribe +publish +payload$/.test(line)) + 1;
      return lines.slice(start, lines.indexOf('', start)).map((line) => line.split(/ {2,}/));
    };
    expect(table({})).toEqual([['default', 'anyone', 'anyone', '65536 bytes']]);
    const namespaces = new Map([['chat', { publish: 'anyone' as const, maxPayloadBytes: 5 }]]);
    expect(table({ profile: 'feed', namespaces })).toEqual([
      ['default', 'anyone', 'api', '65536 bytes'],
      ['chat', 'anyone', 'anyone', '5 bytes'],
    ]);
    expect(row(check(loaded({ namespaces })), 'namespaces')[1]).toBe('chat');
    expect(row(check(loaded()), 'namespaces')[1]).toBe('none');
  });

  test('aligns the columns', () => {
    const lines = check(loaded()).split('\n');
    const header = lines.find((line) => line.startsWith('setting '));
    const column = header?.indexOf('from') ?? -1;
    for (const key of settingKeys) {
      const line = lines.find((candidate) => candidate.startsWith(`${key} `));
      expect(line?.indexOf('default', key.length)).toBe(column);
    }
  });

  test('names the file that was read', () => {
    expect(check(loaded())).toMatch(/^settings file: none\n/);
    expect(check(loaded({}, {}, 'left.json'))).toMatch(/^settings file: left\.json\n/);
  });

  test('says what the descriptor limit is enough for', () => {
    expect(check(loaded())).toContain('descriptor limit: 10128, enough for 10000 connections');
  });

  test('says that everything fits, or else warns', () => {
    const fitting = { host: '127.0.0.1', maxConnections: 1 };
    expect(check(loaded(fitting))).toMatch(/\neverything fits$/);
    const output = checkOn(loaded({ ...fitting, host: '0.0.0.0', maxConnections: 51 }), undefined, {
      ...machine,
      descriptorLimit: 100,
    });
    expect(output).not.toContain('everything fits');
    expect(output.match(/^warning: .+$/gm)).toEqual([
      expect.stringContaining('maxConnections is 51, but only 50 fit'),
      expect.stringContaining('the descriptor limit is 100'),
      expect.stringContaining('pages of any origin may connect'),
      expect.stringContaining('anyone may publish in "default"'),
    ]);
  });

  test('says what keeps the machine from holding so many clients, and how to change it', () => {
    const output = checkOn(loaded(), { clients: 50_000, haproxyMaxconn: 60_000 }, machine);
    expect(output).toMatch(/^machine +value +enough for$/m);
    expect(output).toMatch(/^descriptors of a process +10,128 +10,000 clients$/m);
    expect(output).toMatch(
      /^warning: a process holds 10,000 clients, and chance does not fill all alike: run 6 \(outcry serve --workers 6\)/m,
    );
    expect(output).toMatch(/^warning: HAProxy lets 60,000 clients in and this machine is to hold 50,000/m);
  });
});
