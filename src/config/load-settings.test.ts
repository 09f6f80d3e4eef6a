import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { exitCodes, UserError } from '../errors.ts';
import { isLoopback, loadSettings, type SettingSources } from './load-settings.ts';
import { environmentVariableOf, settingKeys, settingsTable } from './settings.ts';

let folder: string;
const startedIn = process.cwd();

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'outcry-settings-'));
  process.chdir(folder);
});

afterEach(() => {
  process.chdir(startedIn);
  rmSync(folder, { recursive: true });
});

function load({ flags = {}, environment = {}, configFile }: Partial<SettingSources> = {}) {
  return loadSettings({ flags, environment, configFile });
}

/** The file that is read when nobody names one. */
function writeConfig(content: unknown): void {
  writeFileSync('outcry.config.json', typeof content === 'string' ? content : JSON.stringify(content));
}

/** The lines of the refusal. */
function problems(sources: Partial<SettingSources> = {}): string[] {
  try {
    load(sources);
  } catch (error) {
    expect(error).toBeInstanceOf(UserError);
    const { message, exitCode } = error as UserError;
    expect(exitCode).toBe(exitCodes.usage);
    return message.split('\n');
  }
  return [];
}

describe('where a setting comes from', () => {
  test('is the table when no source names it', () => {
    const { settings, sources, file } = load();
    for (const key of settingKeys) expect(settings[key]).toEqual(settingsTable[key].default);
    expect(new Set(Object.values(sources))).toEqual(new Set(['default']));
    expect(file).toBeNull();
  });

  test('is the flag before the environment before the file before the default', () => {
    writeConfig({ port: 1, adminPort: 2, maxUrlBytes: 1_000 });
    const { settings, sources, file } = load({
      flags: { port: '5' },
      environment: { OUTCRY_PORT: '3', OUTCRY_ADMIN_PORT: '4' },
    });
    expect([settings.port, settings.adminPort, settings.maxUrlBytes]).toEqual([5, 4, 1_000]);
    expect([sources.port, sources.adminPort, sources.maxUrlBytes, sources.host]).toEqual([
      'flag',
      'environment',
      'file',
      'default',
    ]);
    expect(file).toBe('outcry.config.json');
  });

  // Other forms of a value than its text have tests of their own.
  const keys = settingKeys.filter((key) => key !== 'namespaces');
  test.each(keys)('may be the environment for %s', (key) => {
    const samples: Partial<Record<string, string>> = {
      runtime: 'node',
      host: '127.0.0.1',
      adminHost: '::1',
      adminKey: 'k'.repeat(16),
      nodeId: 'left',
      origins: 'https://example.com',
      profile: 'feed',
      workers: 'auto',
      relayMaxBytesWaiting: '2097152',
      maxConnections: '7',
      memoryLimitBytes: '2097152',
      backpressureLimitBytes: '2097152',
      redisUrl: 'redis://127.0.0.1:6380/2',
      redisShards: '128',
      redisMaxBytesInFlight: '131072',
      bridgeMaxDelayMs: '10',
      historyMaxBytes: '2097152',
      tailMaxBytesTogether: '2097152',
      logLevel: 'warn',
      logFormat: 'json',
    };
    const value = samples[key] ?? '5000';
    const { settings, sources } = load({ environment: { [environmentVariableOf(key)]: value } });
    expect(String(settings[key])).toBe(value);
    expect(sources[key]).toBe('environment');
  });

  test('may be JSON text for namespaces', () => {
    const { settings, sources } = load({
      environment: { OUTCRY_NAMESPACES: '{"prices":{"publish":"api"}}' },
    });
    expect([...settings.namespaces]).toEqual([['prices', { publish: 'api' }]]);
    expect(sources.namespaces).toBe('environment');
  });

  test('may be a file that the flag names, before one that the environment names', () => {
    writeConfig({ port: 1 });
    writeFileSync('left.json', '{"port": 2}');
    writeFileSync('right.json', '{"port": 3}');
    expect(load({ environment: { OUTCRY_CONFIG: 'left.json' } }).settings.port).toBe(2);
    expect(load({ environment: { OUTCRY_CONFIG: 'left.json' }, configFile: 'right.json' })).toMatchObject({
      settings: { port: 3 },
      file: 'right.json',
    });
  });

  test('may be text or JSON in the file', () => {
    writeConfig({ port: '9001', origins: ['https://example.com'], maxConnections: null, nodeId: 'left' });
    expect(load().settings).toMatchObject({
      port: 9_001,
      origins: ['https://example.com'],
      maxConnections: null,
      nodeId: 'left',
    });
  });

  test('is never a variable without our prefix', () => {
    expect(load({ environment: { PORT: '1', HOST: 'example.com', OUTCRY: 'x' } }).settings.port).toBe(8_080);
  });
});

describe('a settings file', () => {
  test('must exist when it is named', () => {
    expect(problems({ configFile: 'away.json' })).toEqual([
      'cannot read the settings file away.json: it does not exist',
    ]);
    expect(problems({ environment: { OUTCRY_CONFIG: 'away.json' } })).toHaveLength(1);
  });

  test('must be a file', () => {
    expect(problems({ configFile: folder })[0]).toMatch(
      /^cannot read the settings file .*: it is a directory$/,
    );
  });

  test('must be JSON', () => {
    writeConfig('{"port": 8080,}');
    expect(problems()).toEqual([
      expect.stringMatching(/^the settings file outcry\.config\.json is not JSON/),
    ]);
  });

  test.each(['null', '[]', '8080', '"port"', 'true'])('must hold an object, not %s', (content) => {
    writeConfig(content);
    expect(problems()).toEqual([
      'the settings file outcry.config.json must hold one JSON object, like {"port": 8080}',
    ]);
  });

  test.each(['__proto__', 'constructor', 'toString', 'hasOwnProperty', 'Port', 'max-payload-bytes', ''])(
    'may not name %j, which is no setting',
    (key) => {
      writeConfig(`{${JSON.stringify(key)}: {"port": 1}}`);
      expect(problems()).toEqual([
        `${key} in outcry.config.json: there is no such setting; \`outcry serve --help\` lists them all`,
      ]);
    },
  );
});

describe('a refusal', () => {
  test('names the source, the value and what is allowed', () => {
    writeConfig({ maxControlFrames: 0.5 });
    expect(problems({ flags: { port: '70000' }, environment: { OUTCRY_LOG_LEVEL: 'loud' } })).toEqual([
      '--port: "70000" is not allowed; it must be a whole number from 0 to 65535',
      'maxControlFrames in outcry.config.json: 0.5 is not allowed; it must be a whole number from 1 to 1000000',
      'OUTCRY_LOG_LEVEL: "loud" is not allowed; it must be one of debug, info, warn, error, fatal, silent',
    ]);
  });

  test('lists unknown names of every source together with the values that are wrong', () => {
    writeConfig({ prot: 1 });
    const lines = problems({ environment: { OUTCRY_PROT: '1', OUTCRY_: '' }, flags: { maxUrlBytes: 'x' } });
    expect(lines.map((line) => line.split(':')[0])).toEqual([
      'OUTCRY_PROT',
      'OUTCRY_',
      'prot in outcry.config.json',
      '--max-url-bytes',
    ]);
  });

  test.each(['OUTCRY_CONFIG_FILE', 'OUTCRY_port', 'OUTCRY___PROTO__', 'OUTCRY_CONSTRUCTOR'])(
    'names the unknown variable %s',
    (name) => {
      expect(problems({ environment: { [name]: '1' } })).toEqual([
        `${name}: there is no such setting; \`outcry serve --help\` lists them all`,
      ]);
    },
  );

  test('names the namespace and the key that are wrong', () => {
    writeConfig({ namespaces: { prices: { publish: 'me', history: 1 } } });
    expect(problems()).toEqual([
      'namespaces in outcry.config.json: namespace "prices": publish must be one of anyone, api, nobody',
      expect.stringContaining('namespace "prices": there is no "history", only subscribe, publish'),
    ]);
    expect(problems({ flags: { namespaces: '{' } })).toEqual([
      expect.stringMatching(/^--namespaces: "\{" is not allowed; it must be a JSON object of namespaces/),
    ]);
  });

  test('spares the switch of the test suite', () => {
    expect(problems({ environment: { OUTCRY_TEST_INSTALL: '0' } })).toEqual([]);
  });

  test('falls on an empty variable as on any other wrong value', () => {
    expect(problems({ environment: { OUTCRY_PORT: '' } })).toHaveLength(1);
  });

  test('does not fall back to a source further down', () => {
    writeConfig({ port: 9_001 });
    expect(problems({ flags: { port: 'x' } })).toHaveLength(1);
  });

  test.each([
    ['a flag', { flags: { adminKey: 'hunter2' } }, undefined],
    ['the environment', { environment: { OUTCRY_ADMIN_KEY: 'hunter2' } }, undefined],
    ['the file', {}, '{"adminKey": "hunter2"}'],
    ['a list in the file', {}, '{"adminKey": ["hunter2"]}'],
    ['a file that lacks the quotes', {}, '{"adminKey": hunter2}'],
    ['a file that ends too soon', {}, '{"adminKey": "hunter2'],
  ])('never shows a secret that came from %s', (_where, sources, content) => {
    if (content !== undefined) writeConfig(content);
    const lines = problems(sources);
    expect(lines).toHaveLength(1);
    expect(lines[0]).not.toMatch(/hun|ter2/);
  });
});

describe('settings that cannot work together', () => {
  test('are a backpressure limit below two of the largest messages', () => {
    const flags = { maxPayloadBytes: '65536', backpressureLimitBytes: '131071' };
    expect(problems({ flags })).toEqual([expect.stringContaining('at least twice maxPayloadBytes (65536)')]);
    expect(problems({ flags: { ...flags, backpressureLimitBytes: '131072' } })).toEqual([]);
  });

  test('are an admin listener off loopback and no key', () => {
    expect(problems({ flags: { adminHost: '0.0.0.0' } })).toEqual([
      expect.stringMatching(/^adminHost: "0\.0\.0\.0" is not a loopback address, so adminKey must be set/),
    ]);
    expect(problems({ flags: { adminHost: '0.0.0.0', adminKey: 'k'.repeat(16) } })).toEqual([]);
  });

  test('are a namespace with larger payloads than the node takes', () => {
    const flags = { maxPayloadBytes: '1000', namespaces: '{"a":{"maxPayloadBytes":1000},"b":{}}' };
    expect(problems({ flags })).toEqual([]);
    expect(problems({ flags: { ...flags, namespaces: '{"a":{"maxPayloadBytes":1001}}' } })).toEqual([
      expect.stringMatching(/^namespaces: namespace "a": maxPayloadBytes 1001 .* the node's own \(1000\)$/),
    ]);
  });

  test('are one port for both listeners, unless any free one will do', () => {
    expect(problems({ flags: { adminPort: '8080' } })).toEqual([expect.stringMatching(/^adminPort: 8080/)]);
    expect(problems({ flags: { port: '0', adminPort: '0' } })).toEqual([]);
  });

  test('are listed together', () => {
    const flags = { maxPayloadBytes: '16777216', adminHost: '::', port: '9', adminPort: '9' };
    expect(problems({ flags })).toHaveLength(3);
  });

  test('are only looked at once each is allowed by itself', () => {
    expect(problems({ flags: { port: 'x', adminHost: '::' } })).toHaveLength(1);
  });
});

describe('loopback', () => {
  test.each(['127.0.0.1', '127.255.255.254', '::1', 'localhost'])('is %s', (host) => {
    expect(isLoopback(host)).toBe(true);
  });

  test.each([
    '0.0.0.0',
    '::',
    '10.127.0.1',
    '128.0.0.1',
    '127.0.0.1.example.com',
    '127.0.0',
    '1127.0.0.1',
    'localhost.example.com',
    '',
  ])('is not %j', (host) => {
    expect(isLoopback(host)).toBe(false);
  });
});
