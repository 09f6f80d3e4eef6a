/**
 * An exception in a handler costs its own connection 1011, or its own request 500, and nothing else.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { findBun } from '../../bin/find-bun.mjs';
import { TestClient } from '../support/client.ts';
import { runtime } from '../support/runtimes.ts';

const hostFile = fileURLToPath(new URL('failing-host.ts', import.meta.url));

let host: ChildProcess;
let port: number;
let nextLine: () => Promise<string>;
beforeAll(async () => {
  const [program, ...args] = runtime === 'bun' ? [findBun() ?? 'bun'] : [process.execPath, '--import', 'tsx'];
  host = spawn(program as string, [...args, hostFile], { stdio: ['ignore', 'pipe', 'inherit'] });
  const lines = createInterface({ input: host.stdout as NodeJS.ReadableStream })[Symbol.asyncIterator]();
  nextLine = async () => (await lines.next()).value;
  port = Number(await nextLine());
});
afterAll(async () => {
  host.kill();
  await once(host, 'exit');
});

it.each(['opened', 'received', 'controlFrame'])(
  'in %s closes that connection with 1011 and no other',
  async (where) => {
    const healthy = await TestClient.open(`ws://127.0.0.1:${port}/healthy`);
    const failing = await TestClient.open(`ws://127.0.0.1:${port}/${where}`);
    if (where === 'controlFrame') failing.socket.ping();
    if (where === 'received') failing.send('x');
    expect(await failing.closed).toEqual({ code: 1011, reason: 'internal error' });
    expect(await nextLine()).toBe(`session: planted in ${where}`);
    healthy.send('x');
    expect(await healthy.text()).toBe('heard');
    await healthy.close();
  },
);

it('in closed is reported and the process lives', async () => {
  const failing = await TestClient.open(`ws://127.0.0.1:${port}/closed`);
  await failing.close();
  expect(await nextLine()).toBe('session: planted in closed');
  expect(host.exitCode).toBe(null);
});

it.each(['request', 'promise'])('in a request (%s) is answered with 500', async (where) => {
  const reply = await fetch(`http://127.0.0.1:${port}/${where}`);
  expect([reply.status, await reply.text()]).toEqual([500, 'internal error\n']);
  expect(await nextLine()).toBe(`request: planted in ${where}`);
});
