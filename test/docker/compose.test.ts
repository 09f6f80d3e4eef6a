/**
 * Docker's files, as far as they can be checked without Docker.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const root = fileURLToPath(new URL('../../', import.meta.url));
const read = (file: string) => readFileSync(join(root, file), 'utf8');

function run(file: string, args: string[], env: Record<string, string> = {}) {
  const { PATH = '', HOME = '' } = process.env;
  return spawnSync(file, args, { cwd: root, env: { PATH, HOME, ...env }, encoding: 'utf8' });
}

describe('docker-compose.yml', () => {
  it('is what docker-compose reads, without any preparation and without a word', () => {
    const { status, stdout, stderr } = run('docker-compose', ['config']);
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    for (const service of ['redis', 'node-1', 'node-2', 'node-3', 'node-4', 'haproxy'])
      expect(stdout).toContain(`\n  ${service}:\n`);
    expect(stdout.match(/OUTCRY_REDIS_URL: redis:\/\/redis:6379/g)).toHaveLength(4);
    expect(stdout.match(/image: wsapp/g)).toHaveLength(4);
    expect(stdout).toContain('haproxy/haproxy.cfg:/usr/local/etc/haproxy/haproxy.cfg:ro');
  });

  it('publishes HAProxy to everybody, and what operators need to this machine only', () => {
    const { stdout } = run('docker-compose', ['config']);
    const ports = [...stdout.matchAll(/^ {4}ports:\n((?: {4}[- ] .*\n)+)/gm)].flatMap(
      ([, lines]) => lines?.match(/[\w.:]+:\d+\/tcp|published: \d+/g) ?? [],
    );
    expect(ports.sort()).toEqual(['127.0.0.1:8081:8081/tcp', '127.0.0.1:8404:8404/tcp', 'published: 8080']);
  });

  it('holds no key, and takes one from the environment', () => {
    expect(run('docker-compose', ['config']).stdout).toContain('OUTCRY_ADMIN_KEY: null\n');
    const given = run('docker-compose', ['config'], { OUTCRY_ADMIN_KEY: 'from the environment' });
    expect(given.stdout).toContain('OUTCRY_ADMIN_KEY: from the environment\n');
  });

  it('balances on L4 when asked to', () => {
    const { stdout } = run('docker-compose', ['config'], { PROXY_CONFIG: 'haproxy-l4.cfg' });
    const [, mounted = ''] = /- (\S+):\/usr\/local\/etc\/haproxy\/haproxy.cfg:ro/.exec(stdout) ?? [];
    expect(mounted).toMatch(/\/haproxy\/haproxy-l4\.cfg$/);
    expect(existsSync(mounted)).toBe(true);
  });
});

describe('the Dockerfile', () => {
  const dockerfile = read('Dockerfile');
  const sources = [...dockerfile.matchAll(/^COPY (?!--from)(.*) \S+$/gm)].flatMap(
    ([, list]) => list?.split(' ') ?? [],
  );

  it('copies what is there, and .dockerignore lets nothing else through', () => {
    expect(sources).toContain('src');
    for (const source of sources) expect(existsSync(join(root, source)), source).toBe(true);
    const allowed = read('.dockerignore')
      .split('\n')
      .filter((line) => line.startsWith('!'));
    expect(allowed.map((line) => line.slice(1)).sort()).toEqual([...new Set(sources)].sort());
    expect(read('.dockerignore')).toMatch(/^\*$/m);
  });

  it('runs as nobody in particular, and says when it is well', () => {
    const lastStage = dockerfile.slice(dockerfile.lastIndexOf('\nFROM '));
    expect(lastStage).toMatch(/^USER [1-9]\d+:[1-9]\d+$/m);
    expect(lastStage).toMatch(/^HEALTHCHECK .*\\\n\s+CMD \["bun", "--no-env-file", /m);
    expect(lastStage).toContain('ENTRYPOINT ["bun", "--no-env-file", "/app/src/main.ts"]');
  });
});

describe('the key of a run', () => {
  const script = join(root, 'docker/with-admin-key.sh');
  const show = ['sh', '-c', 'printf %s "$OUTCRY_ADMIN_KEY"'];

  it('is a new one each time, in a file of its owner, and not in the log', () => {
    const folder = mkdtempSync(join(tmpdir(), 'outcry-'));
    try {
      const ADMIN_KEY_FILE = join(folder, 'key');
      const keys = [1, 2].map(() => {
        const { status, stdout } = run(script, show, { ADMIN_KEY_FILE });
        expect(status).toBe(0);
        const [notice, key = ''] = stdout.split('\n');
        expect(notice).toContain(ADMIN_KEY_FILE);
        expect(key).toMatch(/^[A-Za-z0-9+/]{32}$/);
        expect(notice).not.toContain(key);
        expect(readFileSync(ADMIN_KEY_FILE, 'utf8')).toBe(`${key}\n`);
        expect(statSync(ADMIN_KEY_FILE).mode & 0o777).toBe(0o600);
        return key;
      });
      expect(keys[0]).not.toBe(keys[1]);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it('is the one that was given, if one was', () => {
    const { stdout } = run(script, show, {
      OUTCRY_ADMIN_KEY: 'sixteen letters!',
      ADMIN_KEY_FILE: '/nowhere/key',
    });
    expect(stdout).toBe('sixteen letters!');
  });
});
