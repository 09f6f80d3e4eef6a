/**
 * Every program in docs/client.md, run as it stands there, on Bun and on Node; only the address of the node is another.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, it, onTestFinished } from 'vitest';
import { clientBundles } from '../../bin/client-bundle.mjs';
import { findBun } from '../../bin/find-bun.mjs';
import { launchChromium } from '../support/chromium.ts';
import { endsWithUs } from '../support/leftovers.ts';
import { startNode, type TestNode } from '../support/node.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));
const giveWebSocket = fileURLToPath(new URL('../support/web-socket-global.mjs', import.meta.url));

/** What each program prints, from its first line on; it may go on for ever. */
const outputs: Readonly<Record<string, RegExp>> = {
  'ticker.js': /^(EUR 1\.\d{4}, \d+ ms old\n){3}/,
  'chat.js': /^(1: hello\ndelivered to every node|delivered to every node\n1: hello)\n/,
  'typed.ts': /^json: 1\.00\n/,
  'late.js': /^joined\s+2: order 2\n3: order 3\n/,
  'resume.js': /^order 1\nnothing is missing\norder 2\norder 3\n/,
  'once.js': /^false true true\n$/,
  'board.js': /^EUR 1\.08, GBP 1\.27\nEUR 1\.09, GBP 1\.27\nEUR 1\.09\n/,
  'publish.js': /^(false\n){4}$/,
  'token.js': /^connected string\n$/,
  'node20.js': /^connected\n$/,
};

const documentation = readFileSync(join(root, 'docs/client.md'), 'utf8');
const programs = new Map(
  [...documentation.matchAll(/^```(?:js|ts)\n\/\/ (\S+)\n(.*?)^```$/gms)].map(([, name, code]) => [
    name,
    code,
  ]),
);

/** One for each runtime of programs: an order that was published stays, and so does its key. */
let nodes: Readonly<Record<'bun' | 'node', TestNode>>;
/** Within the package, so that its name means itself. */
let folder: string;

beforeAll(async () => {
  clientBundles();
  folder = mkdtempSync(join(root, 'dist-documentation-'));
  const start = () =>
    startNode(['--namespaces', '{"orders": {"historySize": 1000}, "board": {"latest": 1000}}']);
  const [bun, node] = await Promise.all([start(), start()]);
  nodes = { bun, node };
});
afterAll(async () => {
  rmSync(folder, { recursive: true, force: true });
  await Promise.all(Object.values(nodes ?? {}).map((node) => node.stop()));
});

it('has all the programs that are listed here, and no others', () => {
  expect([...programs.keys()].sort()).toEqual(Object.keys(outputs).sort());
  expect(documentation.match(/^```(js|ts|html)$/gm)).toHaveLength(programs.size + 1);
});

it.each(Object.keys(outputs))('%s runs on Bun', async (name) => {
  await prints(name, nodes.bun, findBun() ?? '', []);
});

it.each(Object.keys(outputs).filter((name) => name.endsWith('.js')))('%s runs on Node', async (name) => {
  await prints(name, nodes.node, process.execPath, ['--import', giveWebSocket]);
});

it('page.html runs in a browser', async () => {
  const [, page = ''] = /^```html\n(.*?)^```$/ms.exec(documentation) ?? [];
  const browser = await launchChromium();
  onTestFinished(() => browser.close());
  const tab = await browser.newPage();
  // As if the node had served it.
  await tab.goto(`${nodes.node.pageUrl}/health/live`);
  await tab.setContent(page);
  expect(await tab.locator('li').first().textContent()).toBe('1.27');
});

/** Runs a program until it has printed what it should, and ends it if it does not end by itself. */
async function prints(
  name: string,
  { url }: TestNode,
  runtime: string,
  flags: readonly string[],
): Promise<void> {
  const file = join(folder, name);
  writeFileSync(file, (programs.get(name) ?? '').replaceAll('ws://localhost:8080', url));
  const child = spawn(runtime, [...flags, file], { stdio: ['ignore', 'pipe', 'pipe'], cwd: root });
  endsWithUs(child);
  const expected = outputs[name] as RegExp;
  let output = '';
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (bytes) => {
      output += bytes;
      // A pattern without an end is that of a program without one.
      if (!expected.source.endsWith('$') && expected.test(output)) child.kill('SIGTERM');
    });
  await once(child, 'close');
  expect(output).toMatch(expected);
}
