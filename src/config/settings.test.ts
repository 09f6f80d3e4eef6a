import { readdirSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import type { Setting } from './setting.ts';
import { environmentVariableOf, flagOf, settingKeys, settingsTable } from './settings.ts';

const rows = settingKeys.map((key): [string, Setting] => [key, settingsTable[key]]);

describe('the table of settings', () => {
  test('holds every row of every table in the folder, and each key stands in one of them only', async () => {
    const folder = new URL('./settings/', import.meta.url);
    const modules = await Promise.all(readdirSync(folder).map((file) => import(new URL(file, folder).href)));
    const keys = modules.flatMap((module) => Object.values<object>(module).flatMap(Object.keys));
    expect(keys.toSorted()).toEqual(settingKeys.toSorted());
  });

  test.each(rows)('%s has a default that it would take itself', (_key, row) => {
    expect(row.schema.parse(row.default)).toEqual(row.default);
  });

  test.each(rows)('%s is explained in whole sentences', (_key, row) => {
    expect(row.sentence).toMatch(/^[A-Z0-9].*\.$/);
    expect(row.allowed).toMatch(/\S/);
  });

  test.each(rows)('%s names its unit where its name ends in one', (key, row) => {
    expect(row.unit).toBe({ Bytes: 'bytes', Ms: 'ms' }[/(Bytes|Ms)$/.exec(key)?.[1] ?? ''] ?? row.unit);
  });

  test('keeps secret what holds a key or a password, and nothing else', () => {
    expect(rows.filter(([, row]) => row.secret).map(([key]) => key)).toEqual(['adminKey', 'redisUrl']);
  });

  test('listens to the world on the public port and to this machine on the admin port', () => {
    expect(settingsTable.host.default).toBe('0.0.0.0');
    expect(settingsTable.adminHost.default).toBe('127.0.0.1');
  });
});

describe('names that follow from a key', () => {
  test('are a flag in kebab case', () => {
    expect(flagOf('port')).toBe('--port');
    expect(flagOf('maxPayloadBytes')).toBe('--max-payload-bytes');
  });

  test('are an environment variable with our prefix', () => {
    expect(environmentVariableOf('port')).toBe('OUTCRY_PORT');
    expect(environmentVariableOf('maxPayloadBytes')).toBe('OUTCRY_MAX_PAYLOAD_BYTES');
  });

  test('are different for different keys', () => {
    expect(new Set(settingKeys.map(flagOf)).size).toBe(settingKeys.length);
    expect(new Set(settingKeys.map(environmentVariableOf)).size).toBe(settingKeys.length);
  });

  test('clash with no flag of the program itself', () => {
    const taken = settingKeys
      .map(flagOf)
      .filter((flag) => ['--config', '--help', '--version'].includes(flag));
    expect(taken).toEqual([]);
    expect(settingKeys.map(environmentVariableOf)).not.toContain('OUTCRY_CONFIG');
  });
});

describe('origins', () => {
  const parse = (raw: unknown) => settingsTable.origins.schema.safeParse(raw).success;

  test.each([
    'https://example.com',
    'http://localhost:5173',
    'https://xn--bcher-kva.example',
    'http://[::1]:8080',
    'null',
  ])('may be %s', (origin) => {
    expect(parse(origin)).toBe(true);
  });

  test.each([
    'https://example.com/',
    'https://example.com/chat',
    'https://Example.com',
    'HTTPS://example.com',
    'https://example.com:443',
    'https://*.example.com',
    'https://bücher.example',
    'https://user@example.com',
    'example.com',
    '*',
    'file:///tmp',
  ])('may not be %s, which no browser would send', (origin) => {
    expect(parse(origin)).toBe(false);
  });

  test('may be many at once', () => {
    expect(parse('https://a.example, https://b.example')).toBe(true);
    expect(parse(['https://a.example', 'https://b.example/'])).toBe(false);
  });
});
