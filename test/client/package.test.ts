/**
 * The SDK as those get it who install the package: found under its name, with types, on Node, on Bun and by a compiler.
 */
import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { findBun } from '../../bin/find-bun.mjs';

const run = promisify(execFile);
const root = fileURLToPath(new URL('../../', import.meta.url));
/** Somebody else's project. */
let folder: string;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'outcry-package-'));
  // Packing builds first, as publishing does.
  const { stdout } = await run('npm', ['pack', '--pack-destination', folder], { cwd: root });
  const archive = stdout.trim().split('\n').at(-1) ?? '';
  await run('tar', ['xzf', archive], { cwd: folder });
  mkdirSync(join(folder, 'node_modules'));
  renameSync(join(folder, 'package'), join(folder, 'node_modules/outcry'));
  symlinkSync(join(root, 'node_modules/ws'), join(folder, 'node_modules/ws'));
  writeFileSync(join(folder, 'package.json'), '{"type":"module"}');
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function write(name: string, code: string): string {
  const file = join(folder, name);
  writeFileSync(file, code);
  return file;
}

it('is found by Node and by Bun', async () => {
  const file = write(
    'use.js',
    `import { connect, json, OutcryError } from 'outcry/client';
    import { WebSocket } from 'ws';
    delete globalThis.WebSocket;
    const client = connect('ws://localhost:1', { WebSocket });
    await client.close();
    console.log(client.state, json('x').text, OutcryError.name);`,
  );
  for (const runtime of [process.execPath, findBun() ?? ''])
    expect((await run(runtime, [file])).stdout).toBe('closed "x" OutcryError\n');
});

it.each(['nodenext', 'bundler'])('has types, with module resolution %s', async (moduleResolution) => {
  const file = write(
    'use.ts',
    `import { connect, type Gap, json, OutcryError, type Position, type Subscription } from 'outcry/client';
    interface Price { bid: number }
    const client = connect('ws://localhost:1', { codec: 'msgpack', token: async () => 'x' });
    const prices: Subscription<Price> = client.subscribe<Price>('prices');
    prices.on('gap', ({ reason, missed }: Gap) => console.log(reason, missed?.toFixed()));
    client.on('error', (error: OutcryError) => console.log(error.code.toFixed(), error.retryable));
    for await (const { data, age } of prices) console.log(data.bid.toFixed(), age.toFixed());
    const { degraded, offset } = await client.publish('x', json('y'), { idempotencyKey: 'k' });
    const position: Position | null = prices.position;
    client.subscribe('prices', position === null ? { last: 20 } : { since: position });
    prices.on('subscribed', ({ recovered }) => console.log(recovered === null, offset?.toFixed()));
    // @ts-expect-error It is a boolean.
    const wrong: string = degraded;
    // @ts-expect-error There is no such codec.
    connect('ws://localhost:1', { codec: 'xml' });
    console.log(wrong);`,
  );
  const module = moduleResolution === 'nodenext' ? 'nodenext' : 'esnext';
  const compiler = [
    join(root, 'node_modules/typescript/bin/tsc'),
    '--noEmit',
    '--strict',
    '--target',
    'es2022',
  ];
  const libraries = ['--lib', 'es2022,dom', '--types', '', '--module', module];
  const { stdout } = await run(
    process.execPath,
    [...compiler, ...libraries, '--moduleResolution', moduleResolution, file],
    { cwd: folder },
  ).catch((error) => error);
  expect(stdout).toBe('');
});
