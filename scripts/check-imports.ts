/**
 * Fails when an import goes against the layout of the sources: upwards, in a circle, to an implementation from a place
 * that should know only its contract, or to something that has its home elsewhere. Imports of types count like any
 * other: a part that needs a type from above cannot be understood, tested or moved without what is above.
 *
 * `npm run imports`, or `tsx scripts/check-imports.ts [root of another tree]`.
 */
import { existsSync, readdirSync, readFileSync, realpathSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { findViolations, type Rules } from './import-graph.ts';

export const rules: Rules = {
  // From top to bottom. A file may import from its own layer and from those below. Paths are relative to src/, and the
  // longest one that fits a file decides.
  layers: [
    { name: 'process', paths: ['main.ts', 'cli/', 'lifecycle/signals.ts'] },
    { name: 'assembly', paths: ['server.ts', 'assembly/'] },
    { name: 'http', paths: ['http/', 'lifecycle/', 'dashboard/', 'demo/'] },
    { name: 'client', paths: ['client/'] },
    {
      name: 'core',
      paths: [
        'broadcaster.ts',
        'operator.ts',
        'status-feed.ts',
        'status-report.ts',
        'channel/hub.ts',
        'channel/announcements.ts',
        'channel/pacer.ts',
        'channel/sequenced-channel.ts',
        'channel/sequenced-rooms.ts',
        'channel/recoveries.ts',
        'connection/',
      ],
    },
    {
      name: 'implementations',
      paths: ['transport/', 'bridge/', 'history/', 'presence/'],
      onlyImportedBy: 'assembly',
    },
    {
      name: 'contracts',
      paths: [
        'transport/transport.ts',
        'bridge/bridge.ts',
        'bridge/cluster.ts',
        'history/history.ts',
        'presence/presence.ts',
      ],
    },
    {
      name: 'mechanisms',
      paths: ['protocol/', 'batching/', 'channel/', 'history/recovery.ts', 'history/recent-tail.ts', 'auth/'],
    },
    {
      name: 'base',
      paths: [
        'errors.ts',
        'close-codes.ts',
        'protocol/error-codes.ts',
        'logger.ts',
        'clock.ts',
        'metrics/',
        'config/',
      ],
    },
  ],

  // Places that may import less than their layer allows.
  enclosures: [
    {
      path: 'client/',
      mayImport: ['client/', 'protocol/', 'close-codes.ts'],
      why: 'the SDK also runs in browsers',
    },
    {
      path: 'metrics/',
      mayImport: ['metrics/', 'errors.ts', 'close-codes.ts', 'protocol/error-codes.ts', 'clock.ts'],
      why: 'everything counts, so it must drag nothing along',
    },
    {
      path: 'config/',
      mayImport: ['config/', 'errors.ts', 'close-codes.ts', 'clock.ts', 'logger.ts'],
      why: 'settings are read before anything else exists',
    },
  ],

  // What only some sources may touch. Tests are free to.
  homes: [
    {
      what: 'the Bun global',
      code: /(?<![\w$.])Bun(?![\w$]|\s*:)|globalThis\??\.Bun\b/,
      specifier: /^bun(:|$)/,
      files: ['src/transport/bun-transport.ts'],
    },
    {
      what: 'uWebSockets.js',
      specifier: /^uWebSockets\.js(\/|$)/,
      files: ['src/transport/uws-library.ts'],
    },
    {
      what: 'the Redis client',
      specifier: /^ioredis(\/|$)/,
      files: ['src/bridge/redis-connection.ts', 'src/bridge/redis-sentinels.ts', 'src/history/redis-*.ts'],
    },
    {
      what: 'the environment',
      code: /(?<![\w$])process\s*\??\.\s*env\b/,
      // The module would let `env` in under its bare name.
      specifier: /^(node:)?process$/,
      // uWebSockets.js takes an option from there and from nowhere else.
      files: ['src/main.ts', 'src/transport/uws-library.ts'],
    },
    {
      what: 'the exit code',
      code: /(?<![\w$])process\s*\??\.\s*exit(Code)?\b/,
      files: ['src/main.ts'],
    },
  ],

  entries: ['src/main.ts'],
  barrels: ['src/client/index.ts'],
  rulesFile: 'scripts/check-imports.ts',
};

/** Sources that are checked; cycles, paths and barrels in all of them, layers and homes in src/. */
const folders = ['src', 'bench'];

/** Checks the tree at `root`, prints what it found and returns the exit code. */
function checkTree(root: string): number {
  const paths = folders.flatMap((folder) => listSources(root, folder));
  const files = new Map(paths.map((path) => [path, readFileSync(join(root, path), 'utf8')]));
  const violations = findViolations(files, rules, (path) => existsSync(join(root, path)));
  for (const { file, line, what, why } of violations) console.error(`${file}:${line} ${what}: ${why}`);
  if (violations.length > 0) return 1;

  const counts = `${files.size} files, ${rules.layers.length} layers`;
  console.log(`imports: ${counts}, no cycle, nothing against the direction`);
  return 0;
}

function listSources(root: string, folder: string): string[] {
  if (!existsSync(join(root, folder))) return [];
  return readdirSync(join(root, folder), { withFileTypes: true }).flatMap((entry) => {
    const path = `${folder}/${entry.name}`;
    if (entry.isDirectory()) return entry.name === 'node_modules' ? [] : listSources(root, path);
    return entry.name.endsWith('.ts') ? [path] : [];
  });
}

// The tests import the rules; only the command checks a tree.
const thisFile = fileURLToPath(import.meta.url);
if (process.argv[1] && realpathSync(process.argv[1]) === realpathSync(thisFile)) {
  process.exitCode = checkTree(resolve(process.argv[2] ?? join(thisFile, '../..')));
}
