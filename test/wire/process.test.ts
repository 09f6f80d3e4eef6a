/**
 * The process as an operator meets it: start, refusal to start, signals, exit codes, the admin listener.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, it } from 'vitest';
import { TestClient } from '../support/client.ts';
import { endsWithUs } from '../support/leftovers.ts';
import { startNode, type TestNode } from '../support/node.ts';
import { handshakeBytes, openRaw, statusOf } from '../support/raw-peer.ts';
import { until } from '../support/until.ts';

const launcher = fileURLToPath(new URL('../../bin/outcry.mjs', import.meta.url));

const nodes: TestNode[] = [];
async function node(...flags: string[]): Promise<TestNode> {
  const started = await startNode(flags);
  nodes.push(started);
  return started;
}
afterEach(async () => {
  await Promise.all(nodes.splice(0).map((started) => started.stop()));
});

/** Runs the program to its end. */
async function outcry(args: string[], options: { cwd?: string; env?: NodeJS.ProcessEnv } = {}) {
  const child = spawn(process.execPath, [launcher, ...args], {
    cwd: options.cwd,
    env: { ...process.env, ...options.env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const output = { stdout: '', stderr: '' };
  child.stdout.on('data', (bytes) => {
    output.stdout += bytes;
  });
  child.stderr.on('data', (bytes) => {
    output.stderr += bytes;
  });
  const [code] = await once(child, 'close');
  return { code, ...output };
}

describe('a start that cannot work', () => {
  it('names the setting, the value and what is allowed, and exits with 2', async () => {
    const { code, stdout, stderr } = await outcry(['serve', '--port', '99999']);
    expect({ code, stdout, stderr }).toEqual({
      code: 2,
      stdout: '',
      stderr: 'outcry: --port: "99999" is not allowed; it must be a whole number from 0 to 65535\n',
    });
  });

  it('reports every mistake at once, from the file and the environment too', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'outcry-'));
    try {
      writeFileSync(join(folder, 'outcry.config.json'), '{"port": "x", "colour": "red"}');
      const { code, stderr } = await outcry(['serve'], { cwd: folder, env: { OUTCRY_LOG_LEVEL: 'loud' } });
      expect(code).toBe(2);
      expect(stderr.trimEnd().split('\n')).toEqual([
        expect.stringMatching(/^outcry: colour in outcry\.config\.json: there is no such setting/),
        expect.stringMatching(/^outcry: port in outcry\.config\.json: "x" is not allowed/),
        expect.stringMatching(/^outcry: OUTCRY_LOG_LEVEL: "loud" is not allowed; it must be one of/),
      ]);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it('says that the port is taken and exits with 3', async () => {
    const { port, adminPort } = await node();
    const taken = await outcry(['serve', '--port', String(port), '--admin-port', '0']);
    expect(taken.code).toBe(3);
    expect(taken.stderr).toBe(
      `outcry: port ${port} on 0.0.0.0 is taken, perhaps by another node: stop it or choose another port\n`,
    );
    const adminTaken = await outcry(['serve', '--port', '0', '--admin-port', String(adminPort)]);
    expect(adminTaken.code).toBe(3);
    expect(adminTaken.stderr).toContain(`port ${adminPort} on 127.0.0.1 is taken`);
  });

  it('refuses an admin listener off loopback without a key', async () => {
    const { code, stderr } = await outcry(['serve', '--port', '0', '--admin-host', '0.0.0.0']);
    expect(code).toBe(2);
    expect(stderr).toContain('adminKey must be set');
  });

  it('prints help and check without starting anything', async () => {
    const help = await outcry(['serve', '--help']);
    expect(help).toMatchObject({ code: 0, stderr: '' });
    expect(help.stdout).toContain('--max-payload-bytes');
    expect(help.stdout).toContain('Examples:');
    const check = await outcry(['check', '--port', '1234']);
    expect(check).toMatchObject({ code: 0, stderr: '' });
    expect(check.stdout).toMatch(/^port +1234 +flag$/m);
  });
});

describe('SIGTERM', () => {
  it('closes the clients with 1001 and exits with 0 within five seconds, even if one does not read', async () => {
    const tested = await node();
    const clients = await Promise.all(Array.from({ length: 20 }, () => TestClient.open(tested.url)));
    const deaf = await openRaw(tested.port);
    deaf.socket.pause();
    const toldAt = performance.now();
    tested.signal('SIGTERM');
    for (const client of clients)
      expect(await client.closed).toEqual({
        code: 1001,
        reason: expect.stringMatching(/^\{"reason":"stopping","retryAfterMs":\d+\}$/),
      });
    expect(await tested.exited).toBe(0);
    expect(performance.now() - toldAt).toBeLessThan(5_000);
    deaf.destroy();
  });

  /** A client for which bytes wait in the node, so that it must be waited for. */
  async function peerWithWaitingBytes(tested: TestNode) {
    const peer = await openRaw(tested.port);
    peer.socket.pause();
    const speaker = await TestClient.open(tested.url);
    const message = 'x'.repeat(60_000);
    for (let i = 0; i < 300; i += 1) {
      speaker.send(message);
      await speaker.text();
    }
    await speaker.close();
    return peer;
  }
  const patient = ['--shutdown-timeout-ms', '60000', '--backpressure-limit-bytes', '100000000'];

  it('waits for clients that still read, is not ready meanwhile and takes nobody', async () => {
    const tested = await node(...patient);
    const late = await peerWithWaitingBytes(tested);
    tested.signal('SIGTERM');
    await tested.untilReady(404);
    expect((await fetch(`http://127.0.0.1:${tested.port}/health/live`)).status).toBe(200);
    expect((await statusOf(tested.port, handshakeBytes())).status).toBe(503);
    expect(await tested.metric('outcry_handshakes_refused_total{reason="stopping"}')).toBe(1);
    late.socket.resume();
    for (let i = 0; i < 300; i += 1) expect((await late.frame()).payload.length).toBe(60_000);
    expect((await late.frame()).payload.readUInt16BE()).toBe(1001);
    expect(await tested.exited).toBe(0);
  });

  it('ends a node whose log nobody reads any more', async () => {
    const child = spawn(process.execPath, [launcher, 'serve', '--port', '0', '--admin-port', '0'], {
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    endsWithUs(child);
    await until(
      () => String(child.stdout.read() ?? ''),
      (output) => output.includes('listening'),
    );
    child.stdout.destroy();
    await once(child.stdout, 'close');
    child.kill('SIGTERM');
    expect(await once(child, 'exit')).toEqual([0, null]);
  });

  it('given several times at once counts as one, a later one exits at once', async () => {
    const tested = await node(...patient);
    const late = await peerWithWaitingBytes(tested);
    for (let i = 0; i < 3; i += 1) tested.signal('SIGINT');
    await tested.untilReady(404);
    expect(await tested.metric('outcry_connections_open')).toBe(1);
    await new Promise((resolve) => setTimeout(resolve, 1_100)); // Past the second that counts as one.
    tested.signal('SIGINT');
    expect(await tested.exited).toBe(1);
    late.destroy();
  });
});

describe('the admin listener', () => {
  it('serves metrics without a key on loopback, and is not on the public port', async () => {
    const { port, adminPort } = await node();
    const metrics = await fetch(`http://127.0.0.1:${adminPort}/metrics`);
    expect(metrics.status).toBe(200);
    expect(metrics.headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8');
    expect(await metrics.text()).toContain('# TYPE outcry_connections_open gauge');
    for (const path of ['/metrics', '//metrics', '/%6detrics', '/api/', '/dashboard'])
      expect((await fetch(`http://127.0.0.1:${port}${path}`)).status, path).toBe(404);
  });

  it('demands its key, if it has one, for all but the health routes', async () => {
    const { adminPort, port } = await node('--admin-key', 'sixteen letters!');
    const get = async (path: string, authorization?: string) =>
      (
        await fetch(
          `http://127.0.0.1:${adminPort}${path}`,
          authorization ? { headers: { authorization } } : {},
        )
      ).status;
    expect(await get('/metrics')).toBe(401);
    expect(await get('/metrics', 'Bearer sixteen letters?')).toBe(401);
    expect(await get('/metrics', 'Bearer sixteen letters!')).toBe(200);
    expect(await get('/health/live')).toBe(200);
    expect(await get('/health/ready')).toBe(200);
    expect((await statusOf(adminPort, handshakeBytes())).status).toBe(401);
    expect((await statusOf(port, 'DELETE / HTTP/1.1\r\nHost: a\r\n\r\n')).status).toBe(405);
  });
});
