import { Readable } from 'node:stream';
import { beforeEach, describe, expect, test, vi } from 'vitest';
import { environmentVariableOf, flagOf, settingKeys, settingsTable } from '../config/settings.ts';
import { exitCodes, UserError } from '../errors.ts';
import { run } from './program.ts';

let standardOutput: string;
let standardError: string;
let printed: string[];

beforeEach(() => {
  standardOutput = '';
  standardError = '';
  printed = [];
  vi.spyOn(process.stdout, 'write').mockImplementation((chunk) => {
    standardOutput += chunk;
    return true;
  });
  vi.spyOn(process.stderr, 'write').mockImplementation((chunk) => {
    standardError += chunk;
    return true;
  });
  return () => vi.restoreAllMocks();
});

async function outcry(args: string[], environment: Record<string, string> = {}): Promise<void> {
  await run({
    args,
    environment,
    version: '1.2.3',
    files: {
      demoFolder: new URL('file:///nowhere/'),
      dashboardFolder: new URL('file:///nowhere/'),
      sdk: new URL('file:///nowhere/'),
      uplotFolder: null,
    },
    program: { file: 'nothing', args: [] },
    exitNow: () => expect.unreachable('nothing was started'),
    input: Readable.from([]),
    print: (text) => printed.push(text),
    note: () => expect.unreachable('nothing was started'),
    stopped: () => Promise.resolve(),
  });
}

/** The sentence with which a command line is refused. */
async function mistake(args: string[], environment?: Record<string, string>): Promise<string> {
  const error = await outcry(args, environment).then(
    () => null,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(UserError);
  expect((error as UserError).exitCode).toBe(exitCodes.usage);
  return (error as UserError).message;
}

/** Help with the line breaks of its columns taken out. */
function unfolded(help: string): string {
  return help.replace(/\s+/g, ' ');
}

describe('help', () => {
  test.each(['serve', 'check'])(
    'of %s lists every flag with its sentence, variable and default',
    async (command) => {
      await outcry([command, '--help']);
      const help = unfolded(standardOutput);
      for (const key of settingKeys) {
        const { sentence, allowed } = settingsTable[key];
        expect(help).toContain(unfolded(`${flagOf(key)} <value> ${sentence} (${allowed}`));
        expect(help).toContain(`env ${environmentVariableOf(key)})`);
      }
      expect(help).toContain('--config <file>');
      expect(help).toContain('default 65536 bytes; env OUTCRY_MAX_PAYLOAD_BYTES');
    },
  );

  test('shows no default where there is none', async () => {
    await outcry(['serve', '--help']);
    expect(standardOutput).not.toMatch(/default (null|;|\))/);
  });

  test.each([['--help'], ['-h'], ['help']])('of the program, as %s, lists the commands', async (arg) => {
    await outcry([arg]);
    expect(standardOutput).toMatch(/^ {2}serve /m);
    expect(standardOutput).toMatch(/^ {2}check /m);
    expect(standardOutput).toMatch(/^ {2}publish /m);
    expect(standardOutput).toMatch(/^ {2}subscribe /m);
  });

  test('explains the exit codes', async () => {
    await outcry(['serve', '--help']);
    for (const code of Object.values(exitCodes))
      expect(standardOutput).toMatch(new RegExp(`\\b${code} [a-z]`));
  });
});

test.each(['--version', '-V'])('%s prints the version and nothing else', async (flag) => {
  await outcry([flag]);
  expect(standardOutput).toBe('1.2.3\n');
});

describe('a command line that is wrong', () => {
  test.each([
    [[], 'name a command; `outcry --help` lists them'],
    [['srve'], /^unknown command 'srve' \(Did you mean serve\?\); `outcry --help`/],
    [['xyzzy'], /^unknown command 'xyzzy'; `outcry --help`/],
    [['--xyzzy'], /^unknown option '--xyzzy'; `outcry --help`/],
    [['serve', '--prot', '1'], /^unknown option '--prot' \(Did you mean --port\?\); `outcry --help`/],
    [['serve', 'left'], /^too many arguments for 'serve'. Expected 0 arguments but got 1; `outcry --help`/],
    [['serve', '--port'], /^option '--port <value>' argument missing; `outcry --help`/],
    [['publish'], /^missing required argument 'channel'; `outcry --help`/],
    [['subscribe'], /^missing required argument 'channel'; `outcry --help`/],
    [['subscribe', 'chat', '--count', '0'], /^option '--count <n>' argument '0' is invalid. It must be/],
    [['subscribe', 'chat', '--last', 'x'], /^option '--last <n>' argument 'x' is invalid. It must be/],
    [['subscribe', 'chat', '--since', '57'], /^option '--since <epoch:offset>' argument '57' is invalid/],
    [
      ['subscribe', 'chat', '--last', '1', '--since', 'e:5'],
      /^option '--last <n>' cannot be used with option/,
    ],
    [['subscribe', 'a', 'b', '--since', 'e:5'], '--since is a position of one channel; name one'],
    [['publish', 'chat', 'x', '--idempotency-key', ''], /^option '--idempotency-key <text>' argument '' is/],
    [['publish', 'chat', '--idempotency-key', 'k'], /^--idempotency-key is for one payload, not for lines/],
    [['publish', 'board', '--key', ''], /^option '--key <text>' argument '' is invalid/],
    [['publish', 'board', '--delete'], /^--delete goes with --key and a channel, and without a payload/],
    [['publish', 'board', 'x', '--key', 'EUR', '--delete'], /^--delete goes with --key and a channel, and/],
    [['publish', '-', '--key', 'EUR'], /^--key is for a channel that is named here/],
    [['subscribe', 'chat', '--codec', 'xml'], /^option '--codec <codec>' argument 'xml' is invalid/],
    [['check', '--config'], /^option '--config <file>' argument missing; `outcry --help`/],
  ])('%j is answered with one sentence', async (args, sentence) => {
    const message = await mistake(args);
    expect(message).toMatch(sentence);
    expect(message).not.toContain('\n');
    expect(standardOutput).toBe('');
  });

  test('is answered by the caller, not printed here', async () => {
    await mistake(['serve', '--prot', '1']);
    expect(standardError).toBe('');
  });

  test.each(['--admin-kye=correct horse', '-adminkey=correct=horse', "--admin-kye='correct' horse"])(
    'never repeats the value of %s, which may be the key',
    async (arg) => {
      const message = await mistake(['serve', arg]);
      expect(message).toMatch(/^unknown option '-/);
      expect(message).not.toMatch(/correct|horse/);
    },
  );
});

describe('settings', () => {
  test.each(['serve', 'check'])('that are wrong stop %s before it does anything', async (command) => {
    expect(await mistake([command, '--port', '-1'], { OUTCRY_PROT: '1' })).toMatch(
      /^OUTCRY_PROT: there is no such setting.*\n--port: "-1" is not allowed/,
    );
    expect(printed).toEqual([]);
  });

  test('reach the command from flags and the environment', async () => {
    await outcry(['check', '--max-payload-bytes', '10', '--node-id=left'], { OUTCRY_PORT: '9001' });
    expect(printed).toHaveLength(1);
    expect(printed[0]).toMatch(/^maxPayloadBytes +10 bytes +flag$/m);
    expect(printed[0]).toMatch(/^nodeId +left +flag$/m);
    expect(printed[0]).toMatch(/^port +9001 +environment$/m);
  });

  test('reach the command from the file that --config names', async () => {
    expect(await mistake(['check', '--config', 'away.json'])).toBe(
      'cannot read the settings file away.json: it does not exist',
    );
  });

  test.each(settingKeys)('give %s the flag that the table says', async (key) => {
    const shown = settingsTable[key].secret ? 'the given value' : '"\\u0007"';
    const message = await mistake(['check', flagOf(key), '\u0007']);
    expect(message).toBe(`${flagOf(key)}: ${shown} is not allowed; it must be ${settingsTable[key].allowed}`);
  });
});
