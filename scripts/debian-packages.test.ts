import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
  type DebianPackage,
  debianPackages,
  decide,
  executableFinder,
  findExecutable,
  type Machine,
} from './debian-packages.ts';

const browser: DebianPackage = {
  name: 'chromium',
  why: 'the browser tests drive it',
  executables: ['chromium', 'google-chrome'],
  variable: 'OUTCRY_CHROMIUM',
};
const proxy: DebianPackage = { name: 'haproxy', why: 'the cluster tests use it', executables: ['haproxy'] };
const debian: Machine = { platform: 'linux', hasAptGet: true, root: 'self', install: undefined };

const findNothing = () => undefined;
const findOnly = (name: string) => (asked: string) => (asked === name ? `/usr/bin/${name}` : undefined);

function decideOn(machine: Partial<Machine>, env: Record<string, string> = {}, find = findNothing) {
  return decide([browser, proxy], env, find, () => ({ ...debian, ...machine }));
}

describe('deciding what to do', () => {
  test('does nothing, and does not look around, when everything is there', () => {
    const machine = () => {
      throw new Error('looked around');
    };
    expect(decide([browser], {}, findOnly('google-chrome'), machine)).toEqual({ action: 'nothing' });
    const env = { OUTCRY_CHROMIUM: '/opt/chrome' };
    expect(decide([browser], env, (name) => (name === '/opt/chrome' ? name : undefined), machine)).toEqual({
      action: 'nothing',
    });
  });

  test('installs only what is missing, as root, and says what and why', () => {
    const decision = decide([browser, proxy], {}, findOnly('haproxy'), () => debian);
    expect(decision).toEqual({
      action: 'install',
      message: expect.stringContaining(
        'chromium (the browser tests drive it): installing chromium with apt-get',
      ),
      commands: [
        ['apt-get', '-o', 'DPkg::Lock::Timeout=120', 'update'],
        [
          ...['env', 'DEBIAN_FRONTEND=noninteractive'],
          ...[
            'apt-get',
            '-o',
            'DPkg::Lock::Timeout=120',
            'install',
            '-y',
            '--no-install-recommends',
            'chromium',
          ],
        ],
      ],
    });
  });

  test('goes through sudo without a password for anyone else', () => {
    const decision = decideOn({ root: 'sudo' });
    if (decision.action !== 'install') throw new Error(decision.action);
    for (const command of decision.commands) expect(command.slice(0, 2)).toEqual(['sudo', '-n']);
    expect(decision.commands.at(-1)?.slice(-2)).toEqual(['chromium', 'haproxy']);
  });

  test('refuses when told to, with the command to type', () => {
    const decision = decideOn({ install: '0', root: 'sudo' });
    if (decision.action !== 'refuse') throw new Error(decision.action);
    expect(decision.message).toContain(
      'chromium (the browser tests drive it), haproxy (the cluster tests use it)',
    );
    expect(decision.message).toContain('OUTCRY_TEST_INSTALL=0');
    expect(decision.message).toMatch(
      /\n {2}sudo apt-get update && sudo apt-get install -y --no-install-recommends chromium haproxy$/,
    );
  });

  test('names the command without sudo to root', () => {
    expect(decideOn({ install: '0' })).toMatchObject({ message: expect.not.stringContaining('sudo') });
  });

  test('refuses when it cannot become root', () => {
    expect(decideOn({ root: 'none' })).toMatchObject({
      action: 'refuse',
      message: expect.stringMatching(/cannot become root without a password[\s\S]*\n {2}sudo apt-get/),
    });
  });

  test('names what to install where there is no apt-get', () => {
    const decision = decideOn({ hasAptGet: false, platform: 'darwin' });
    expect(decision).toMatchObject({
      action: 'refuse',
      message: expect.stringMatching(
        /chromium .*haproxy .*\(darwin\) has no apt-get[\s\S]*OUTCRY_CHROMIUM\.$/,
      ),
    });
  });

  test('refuses a browser that was named but is not there, whatever else is installed', () => {
    const env = { OUTCRY_CHROMIUM: '/opt/absent' };
    expect(decide([browser], env, findOnly('chromium'), () => debian)).toEqual({
      action: 'refuse',
      message: 'OUTCRY_CHROMIUM is /opt/absent, but there is no such executable.',
    });
  });
});

describe('looking for executables', () => {
  let folder = '';

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'outcry-setup-'));
    await mkdir(join(folder, 'chromium')); // a folder of that name is not the browser
    await writeFile(join(folder, 'chromium-browser'), '');
    await writeFile(join(folder, 'google-chrome'), '');
    await chmod(join(folder, 'google-chrome'), 0o755);
  });

  afterEach(async () => {
    await rm(folder, { recursive: true });
  });

  test('passes over folders and files that cannot be run', () => {
    const find = executableFinder(`/absent:${folder}`);
    expect(find('chromium')).toBeUndefined();
    expect(find('chromium-browser')).toBeUndefined();
    expect(find('google-chrome')).toBe(join(folder, 'google-chrome'));
  });

  test('takes a name with a slash as it is', () => {
    const find = executableFinder('');
    expect(find(join(folder, 'google-chrome'))).toBe(join(folder, 'google-chrome'));
    expect(find(join(folder, 'chromium-browser'))).toBeUndefined();
  });

  test('finds the browser of the table under any of its names', () => {
    const [chromium] = debianPackages;
    if (!chromium) throw new Error('the table is empty');
    expect(findExecutable(chromium, {}, executableFinder(folder))).toBe(join(folder, 'google-chrome'));
    expect(findExecutable(chromium, {}, executableFinder(''))).toBeUndefined();
  });
});
