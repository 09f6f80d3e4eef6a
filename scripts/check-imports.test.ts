import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, describe, expect, test } from 'vitest';
import { rules } from './check-imports.ts';
import { findViolations } from './import-graph.ts';

/** Judges planted files by the real rules; the paths in `others` exist beside them. */
function judge(files: Record<string, string>, others: string[] = []): string[] {
  const violations = findViolations(new Map(Object.entries(files)), rules, (path) => others.includes(path));
  return violations.map(({ file, line, what, why }) => `${file}:${line} ${what}: ${why}`);
}

/** Judges one import between two files that have nothing else in them. */
function judgeImport(from: string, to: string): string[] {
  const depth = from.split('/').length - 1;
  return judge({ [from]: `import '${'../'.repeat(depth)}${to}';`, [to]: 'export const a = 1;' });
}

describe('direction', () => {
  test.each([
    ['src/cli/serve.ts', 'src/server.ts'],
    ['src/server.ts', 'src/transport/bun-transport.ts'],
    ['src/server.ts', 'src/http/routes.ts'],
    ['src/main.ts', 'src/lifecycle/signals.ts'],
    ['src/http/publish.ts', 'src/broadcaster.ts'],
    ['src/broadcaster.ts', 'src/bridge/bridge.ts'],
    ['src/channel/hub.ts', 'src/transport/transport.ts'],
    ['src/channel/hub.ts', 'src/channel/pacer.ts'],
    ['src/bridge/redis-bridge.ts', 'src/bridge/redis-connection.ts'],
    ['src/bridge/redis-bridge.ts', 'src/batching/batcher.ts'],
    ['src/history/history.ts', 'src/history/recovery.ts'],
    ['src/protocol/json-codec.ts', 'src/errors.ts'],
    ['src/client/client.ts', 'src/protocol/messages.ts'],
    ['src/client/client.ts', 'src/close-codes.ts'],
    ['src/config/settings.ts', 'src/clock.ts'],
    ['src/channel/hub.test.ts', 'src/server.ts'],
    ['bench/report.ts', 'src/config/settings.ts'],
  ])('lets %s import %s', (from, to) => {
    expect(judgeImport(from, to)).toEqual([]);
  });

  test.each([
    ['src/server.ts', 'src/cli/serve.ts', 'assembly is below process; imports point down'],
    ['src/lifecycle/drain.ts', 'src/lifecycle/signals.ts', 'http is below process; imports point down'],
    ['src/broadcaster.ts', 'src/http/routes.ts', 'core is below http; imports point down'],
    ['src/channel/publication.ts', 'src/channel/hub.ts', 'mechanisms is below core; imports point down'],
    ['src/connection/connection.ts', 'src/client/client.ts', 'core is below client; imports point down'],
    [
      'src/bridge/bridge.ts',
      'src/bridge/redis-bridge.ts',
      'contracts is below implementations; imports point down',
    ],
    [
      'src/history/recovery.ts',
      'src/history/history.ts',
      'mechanisms is below contracts; imports point down',
    ],
    ['src/logger.ts', 'src/protocol/messages.ts', 'base is below mechanisms; imports point down'],
  ])('stops %s from importing %s', (from, to, why) => {
    expect(judgeImport(from, to)).toEqual([`${from}:1 imports ${to}: ${why}`]);
  });

  test.each([
    ['src/main.ts', 'src/transport/bun-transport.ts', 'transport'],
    ['src/http/health.ts', 'src/bridge/redis-bridge.ts', 'bridge'],
    ['src/broadcaster.ts', 'src/bridge/redis-bridge.ts', 'bridge'],
    ['src/channel/hub.ts', 'src/transport/bun-transport.ts', 'transport'],
    ['src/connection/connection.ts', 'src/presence/memory-presence.ts', 'presence'],
    ['src/history/redis-history.ts', 'src/bridge/redis-connection.ts', 'another folder of implementations'],
  ])('lets only the assembly reach an implementation: %s imports %s', (from, to) => {
    const why = 'only assembly and its own folder import from implementations; import the contract';
    expect(judgeImport(from, to)).toEqual([`${from}:1 imports ${to}: ${why}`]);
  });

  test.each([
    ['src/client/client.ts', 'src/errors.ts', 'client/'],
    ['src/client/client.ts', 'src/channel/channel-name.ts', 'client/'],
    ['src/metrics/metrics.ts', 'src/logger.ts', 'metrics/'],
    ['src/config/settings.ts', 'src/metrics/metrics.ts', 'config/'],
  ])('keeps the enclosed places apart: %s imports %s', (from, to, place) => {
    const found = judgeImport(from, to);
    expect(found).toHaveLength(1);
    expect(found[0]).toContain(`${from}:1 imports ${to}: ${place} imports only ${place}, `);
  });

  test.each([['src/cli/serve.ts'], ['src/main.test.ts'], ['bench/generator.ts']])(
    'lets nobody import main.ts, not even %s',
    (from) => {
      const why = 'it starts the process and is imported by nobody';
      expect(judgeImport(from, 'src/main.ts')).toEqual([`${from}:1 imports src/main.ts: ${why}`]);
    },
  );

  test('keeps sources from importing tests', () => {
    expect(judgeImport('src/channel/hub.ts', 'src/channel/hub.test.ts')).toEqual([
      'src/channel/hub.ts:1 imports src/channel/hub.test.ts: a source does not import a test',
    ]);
  });

  test('keeps sources inside src/, but not the tests beside them', () => {
    const files = {
      'src/errors.ts': "import '../bench/a.ts';",
      'src/errors.test.ts': "import '../test/a.ts';",
    };
    expect(judge(files, ['bench/a.ts', 'test/a.ts'])).toEqual([
      'src/errors.ts:1 imports bench/a.ts: sources import nothing outside src/',
    ]);
  });

  test('asks for a layer for a file that has none, unless it is a test', () => {
    const files = {
      'src/misc/a.ts': '',
      'src/misc/a.test.ts': '',
      'src/server-extra.ts': '',
      'bench/a.ts': '',
    };
    expect(judge(files)).toEqual([
      'src/misc/a.ts:1 has no layer: give it a room in scripts/check-imports.ts',
      'src/server-extra.ts:1 has no layer: give it a room in scripts/check-imports.ts',
    ]);
  });
});

describe('cycles', () => {
  test.each([
    ["import type { B } from './b.ts';"],
    ["export * from './b.ts'; export const a = 1;"],
    ["export type { B } from './b.ts'; export const a = 1;"],
    ["const b = () => import('./b.ts');"],
    ["let b: import('./b.ts').B;"],
  ])('are found through %s', (source) => {
    const files = { 'src/protocol/a.ts': source, 'src/protocol/b.ts': "import './a.ts';" };
    expect(judge(files)).toEqual([
      'src/protocol/a.ts:1 imports src/protocol/b.ts: ' +
        'closes a cycle, src/protocol/a.ts → src/protocol/b.ts → src/protocol/a.ts',
    ]);
  });

  test('are named once each, by the shortest way around, in bench/ as well', () => {
    const files = {
      'bench/a.ts': "\nimport './b.ts';",
      'bench/b.ts': "import './c.ts';\nimport './d.ts';",
      'bench/c.ts': "import './d.ts';",
      'bench/d.ts': "import './a.ts';",
      'bench/alone.ts': "import './alone.ts';",
    };
    expect(judge(files)).toEqual([
      'bench/a.ts:2 imports bench/b.ts: closes a cycle, bench/a.ts → bench/b.ts → bench/d.ts → bench/a.ts',
      'bench/alone.ts:1 imports bench/alone.ts: closes a cycle, bench/alone.ts → bench/alone.ts',
      'bench/c.ts:1 imports bench/d.ts: ' +
        'closes a cycle, bench/c.ts → bench/d.ts → bench/a.ts → bench/b.ts → bench/c.ts',
    ]);
  });

  test('are not seen where two ways lead to one file', () => {
    const files = {
      'bench/a.ts': "import './b.ts';\nimport './c.ts';",
      'bench/b.ts': "import './c.ts';",
      'bench/c.ts': '',
    };
    expect(judge(files)).toEqual([]);
  });
});

describe('homes', () => {
  test.each([
    ['const s = Bun.serve({});', 'uses Bun', 'the Bun global'],
    ["if (typeof Bun === 'undefined') a();", 'uses Bun', 'the Bun global'],
    ['const { serve } = Bun;', 'uses Bun', 'the Bun global'],
    ['globalThis.Bun.gc();', 'uses globalThis.Bun', 'the Bun global'],
    ["import type { Server } from 'bun';", 'imports bun', 'the Bun global'],
    ["import { jemalloc } from 'bun:jsc';", 'imports bun:jsc', 'the Bun global'],
    ["import uws from 'uWebSockets.js';", 'imports uWebSockets.js', 'uWebSockets.js'],
    ["const uws = require('uWebSockets.js');", 'imports uWebSockets.js', 'uWebSockets.js'],
    ["import type { Redis } from 'ioredis';", 'imports ioredis', 'the Redis client'],
    ['const home = process.env.HOME;', 'uses process.env', 'the environment'],
    ["import { env } from 'node:process';", 'imports node:process', 'the environment'],
    ['process.exit(1);', 'uses process.exit', 'the exit code'],
    ['process.exitCode = 1;', 'uses process.exitCode', 'the exit code'],
  ])('are defended against %j', (source, what, owner) => {
    const found = judge({ 'src/broadcaster.ts': `\n${source}` });
    expect(found).toHaveLength(1);
    expect(found[0]).toContain(`src/broadcaster.ts:2 ${what}: ${owner} has its home in src/`);
  });

  test.each([
    ['src/transport/bun-transport.ts', "import type { Server } from 'bun';\nBun.serve({});"],
    ['src/transport/uws-library.ts', "import uws from 'uWebSockets.js';"],
    ['src/bridge/redis-connection.ts', "import { Redis } from 'ioredis';"],
    ['src/history/redis-history.ts', "import { Redis } from 'ioredis';"],
    ['src/main.ts', 'process.exitCode = process.env.A ? 1 : 0;'],
    ['src/bridge/redis-bridge.test.ts', "import { Redis } from 'ioredis';\nprocess.env.A;"],
    ['bench/generator.ts', 'process.exit(process.env.A ? 1 : 0);'],
  ])('are open to %s', (file, source) => {
    expect(judge({ [file]: source })).toEqual([]);
  });

  test('are not disturbed by comments, strings and other names', () => {
    const source = [
      '// Bun.serve, process.env and process.exit(1)',
      "const a = 'Bun.serve needs process.env';",
      'const b = /process.exit(1)/;',
      'const c = { Bun: bundle.Bun, BunLike: myBun.serve };',
      "import pretty from 'ioredis-pretty';",
      'process.exited; subprocess.exit(1);',
    ];
    expect(judge({ 'src/broadcaster.ts': source.join('\n') })).toEqual([]);
  });
});

describe('paths', () => {
  test('end in .ts and lead to a file', () => {
    const files = {
      'src/errors.ts': "import './clock';\nimport './clock.js';\nimport '.';\nimport './absent.ts';",
      'src/clock.ts': '',
    };
    expect(judge(files)).toEqual([
      'src/errors.ts:1 imports src/clock: a relative import ends in .ts',
      'src/errors.ts:2 imports src/clock.js: a relative import ends in .ts',
      'src/errors.ts:3 imports src: a relative import ends in .ts',
      'src/errors.ts:4 imports src/absent.ts: there is no such file',
    ]);
  });

  test('are held to that in tests and in bench/ too', () => {
    const files = { 'src/errors.test.ts': "import './absent.ts';", 'bench/a.ts': "import '../src/absent';" };
    expect(judge(files)).toEqual([
      'bench/a.ts:1 imports src/absent: a relative import ends in .ts',
      'src/errors.test.ts:1 imports src/absent.ts: there is no such file',
    ]);
  });
});

describe('a script of the page', () => {
  const source = "import './message.js';";

  test('may be imported by its test', () => {
    expect(judge({ 'src/demo/message.test.ts': source }, ['src/demo/message.js'])).toEqual([]);
  });

  test('must be there: the compiled name of a source is none', () => {
    expect(judge({ 'src/demo/message.test.ts': source }, ['src/demo/message.ts'])).toEqual([
      'src/demo/message.test.ts:1 imports src/demo/message.js: a relative import ends in .ts',
    ]);
  });

  test('is not imported by a source', () => {
    expect(judge({ 'src/http/assets.ts': "import '../demo/message.js';" }, ['src/demo/message.js'])).toEqual([
      'src/http/assets.ts:1 imports src/demo/message.js: a relative import ends in .ts',
    ]);
  });
});

describe('a part of the launcher', () => {
  const source = "import '../bin/find-bun.mjs';";

  test('may be imported by a benchmark, which starts what it starts', () => {
    expect(judge({ 'bench/a.ts': source }, ['bin/find-bun.mjs'])).toEqual([]);
  });

  test('must be there, and is not imported by a source', () => {
    expect(judge({ 'bench/a.ts': source })).toEqual([
      'bench/a.ts:1 imports bin/find-bun.mjs: a relative import ends in .ts',
    ]);
    expect(judge({ 'src/errors.ts': source }, ['bin/find-bun.mjs'])).toHaveLength(1);
  });
});

describe('barrels', () => {
  test('are refused, except as the front of the SDK', () => {
    const source = "export { a } from './a.ts';";
    const files = {
      'src/client/index.ts': source,
      'src/client/a.ts': 'export const a = 1;',
      'src/protocol/index.ts': source,
      'src/protocol/a.ts': 'export const a = 1;',
    };
    expect(judge(files)).toEqual([
      'src/protocol/index.ts:1 is a barrel: it only re-exports; import from the files that define the names',
    ]);
  });
});

describe('the command', () => {
  const script = fileURLToPath(new URL('check-imports.ts', import.meta.url));
  const tsx = fileURLToPath(new URL('../node_modules/.bin/tsx', import.meta.url));
  const trees: string[] = [];

  async function plant(files: Record<string, string>): Promise<string> {
    const root = await mkdtemp(join(tmpdir(), 'outcry-imports-'));
    trees.push(root);
    for (const [path, source] of Object.entries(files)) {
      await mkdir(dirname(join(root, path)), { recursive: true });
      await writeFile(join(root, path), source);
    }
    return root;
  }

  afterAll(async () => {
    for (const root of trees) await rm(root, { recursive: true });
  });

  test('prints one line and exits with 0 when nothing is wrong', async () => {
    const root = await plant({ 'src/clock.ts': '', 'src/metrics/metrics.ts': "import '../clock.ts';" });
    const { stdout, stderr } = await promisify(execFile)(tsx, [script, root]);
    expect(stdout).toBe(
      `imports: 2 files, ${rules.layers.length} layers, no cycle, nothing against the direction\n`,
    );
    expect(stderr).toBe('');
  });

  test('lists every violation and exits with 1', async () => {
    const root = await plant({
      'src/clock.ts': "import './server.ts';",
      'src/server.ts': 'process.exit(1);',
    });
    await expect(promisify(execFile)(tsx, [script, root])).rejects.toMatchObject({
      code: 1,
      stdout: '',
      stderr:
        'src/clock.ts:1 imports src/server.ts: base is below assembly; imports point down\n' +
        'src/server.ts:1 uses process.exit: the exit code has its home in src/main.ts\n',
    });
  });
});
