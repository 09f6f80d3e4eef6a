/**
 * The process that keeps the others running, as its operator meets it.
 */
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { TestCommand } from '../support/command.ts';
import { Follower } from '../support/follower.ts';
import { startHost } from '../support/host.ts';
import { until } from '../support/until.ts';

function folder(): string {
  const made = mkdtempSync(join(tmpdir(), 'outcry-test-'));
  onTestFinished(() => rmSync(made, { recursive: true, force: true }));
  return made;
}

/** Processes that have this in their command line. */
function processesWith(text: string): string[] {
  return readdirSync('/proc').filter((pid) => {
    try {
      return /^\d+$/.test(pid) && readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(text);
    } catch {
      return false; // It has ended meanwhile.
    }
  });
}

it('takes a port for itself, gives its workers what it was given, and leaves nothing when it is killed', async () => {
  const config = join(folder(), 'settings.json');
  writeFileSync(config, JSON.stringify({ namespaces: { h: { historySize: 10 } } }));
  const place = folder();
  const host = await startHost(2, ['--config', config], { TMPDIR: place });
  onTestFinished(async () => void (await host.kill()));

  const second = new TestCommand(
    ['serve', '--workers', '2', '--port', String(host.port), '--admin-port', '0'],
    '',
    { TMPDIR: place },
  );
  expect(await second.exited).toBe(3);
  expect(second.notes.join('\n')).toContain(`port ${host.port}`);

  // Whoever is started again later has what the others have.
  writeFileSync(config, '{"no": "settings"}');
  const killed = [host.process('0'), host.process('1')] as const;
  for (const { pid } of killed) process.kill(pid, 'SIGKILL');
  await Promise.all(killed.map((worker, n) => host.untilAnother(String(n), worker)));
  await host.untilReady(200);
  const follower = await Follower.join(host.url, 'h:a');
  expect(follower.standing.position).not.toBeNull();

  const parts = ['0', '1', 'relay'].map((part) => host.process(part).pid);
  await host.kill();
  // They notice, and end as if they had been told to: the clients with a code.
  expect((await follower.closed).code).toBe(1001);
  await until(
    () => parts.filter((pid) => existsSync(`/proc/${pid}`)),
    (left) => left.length === 0,
    { what: 'all processes being gone' },
  );
  expect(readdirSync(place)).toEqual([]);
});

it('ends what it has started when it is told to stop while it starts', async () => {
  const place = folder();
  const starting = new TestCommand(['serve', '--workers', '8', '--port', '0', '--admin-port', '0'], '', {
    TMPDIR: place,
  });
  await until(
    () => processesWith(place).length,
    (count) => count > 0,
    { what: 'the first process' },
  );
  starting.signal('SIGTERM');
  expect(await starting.exited).toBe(0);
  expect([processesWith(place), readdirSync(place)]).toEqual([[], []]);
});

it('does not start with settings that cannot work, and says why once', async () => {
  const refused = new TestCommand(['serve', '--workers', '2', '--redis', 'http://nowhere']);
  expect(await refused.exited).toBe(2);
  expect(refused.notes).toHaveLength(1);
  const none = new TestCommand(['serve', '--workers', '0']);
  expect(await none.exited).toBe(2);
  expect(none.notes.join('\n')).toContain('from 1 to 512, or auto');
});

it('is what check tells of', async () => {
  const check = new TestCommand(['check', '--workers', '3']);
  expect(await check.exited).toBe(0);
  expect(check.printed.join('\n')).toMatch(/connections in each of 3 workers/);
});
