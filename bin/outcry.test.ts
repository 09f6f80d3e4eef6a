import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, test } from 'vitest';

const launcher = fileURLToPath(new URL('outcry.mjs', import.meta.url));

const running = new Set<ChildProcess>();

afterEach(() => {
  for (const child of running) child.kill('SIGKILL'); // Its node notices and stops.
});

interface Launched {
  child: ChildProcess;
  /** Resolves with the first JSON line whose message begins like this. */
  line(beginning: string): Promise<Record<string, unknown>>;
  /** Resolves when the launcher has ended and nobody, the node included, holds its outputs any more. */
  ended: Promise<{ code: number | null; signal: string | null; output: string }>;
}

function launch(args: readonly string[], script = launcher, searchPath = process.env.PATH): Launched {
  const child = spawn(process.execPath, [script, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { PATH: searchPath, HOME: process.env.HOME },
  });
  running.add(child);
  let output = '';
  const seen: Record<string, unknown>[] = [];
  let look = () => {};
  for (const input of [child.stdout, child.stderr])
    createInterface({ input }).on('line', (text) => {
      output += `${text}\n`;
      if (text.startsWith('{')) seen.push(JSON.parse(text));
      look();
    });
  const ended = once(child, 'close').then(([code, signal]) => {
    running.delete(child);
    return { code, signal, output };
  });
  return {
    child,
    ended,
    line: (beginning) =>
      new Promise((resolve, reject) => {
        look = () => {
          const found = seen.find(({ msg }) => String(msg).startsWith(beginning));
          if (found !== undefined) resolve(found);
        };
        look();
        void ended.then(() => reject(new Error(`it ended without a line "${beginning}":\n${output}`)));
      }),
  };
}

const serve = ['serve', '--port', '0', '--admin-port', '0', '--log-format', 'json'];

describe('the launcher', () => {
  test('ends with the exit code of what it started', async () => {
    const [good, wrong] = [launch(['--version']), launch(['serve', '--port', 'x'])];
    expect(await good.ended).toMatchObject({ code: 0, output: expect.stringMatching(/^\d+\.\d+\.\d+/) });
    expect(await wrong.ended).toMatchObject({
      code: 2,
      output: 'outcry: --port: "x" is not allowed; it must be a whole number from 0 to 65535\n',
    });
  });

  test('ends with the code for a port that is taken', async () => {
    const first = launch([...serve, '--host', '127.0.0.1']);
    const { port } = await first.line('listening');
    const second = launch(['serve', '--port', String(port), '--host', '127.0.0.1', '--admin-port', '0']);
    expect(await second.ended).toMatchObject({
      code: 3,
      output: expect.stringMatching(new RegExp(`^outcry: port ${port} on 127\\.0\\.0\\.1 is taken`)),
    });
    first.child.kill('SIGTERM');
    expect((await first.ended).code).toBe(0);
  });

  test.each(['SIGTERM', 'SIGINT', 'SIGHUP'] as const)(
    'hands %s on, and the node stops in good order',
    async (signal) => {
      const { child, line, ended } = launch(serve);
      await line('listening');
      child.kill(signal);
      expect(await line('stopping')).toMatchObject({ signal });
      await line('stopped');
      expect(await ended).toMatchObject({ code: 0, signal: null });
    },
  );

  test('takes the node with it when it is killed', async () => {
    const { child, line, ended } = launch(serve);
    await line('listening');
    child.kill('SIGKILL');
    await line('stopped');
    expect(await ended).toMatchObject({ signal: 'SIGKILL' });
  });

  test('hands on flags as they are', async () => {
    const { child, line, ended } = launch([...serve, '--node-id', 'a "b" $HOME *']);
    expect(await line('listening')).toMatchObject({ node: 'a "b" $HOME *' });
    child.kill('SIGTERM');
    await ended;
  });

  test('says what to do when the runtime is missing', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'outcry-launcher-'));
    cpSync(fileURLToPath(new URL('.', import.meta.url)), join(folder, 'bin'), { recursive: true });
    const { code, output } = await launch(serve, join(folder, 'bin', 'outcry.mjs'), '').ended;
    rmSync(folder, { recursive: true });
    expect(code).toBe(1);
    expect(output).toMatch(/^outcry: the Bun runtime is missing: run `npm install`/);
  });
});
