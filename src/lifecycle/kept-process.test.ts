import { spawn } from 'node:child_process';
import { expect, onTestFinished, test } from 'vitest';
import { until } from '../../test/support/until.ts';
import { systemClock } from '../clock.ts';
import { type Ending, KeptProcess } from './kept-process.ts';

/** One that runs a program of a few words. */
function keep(program: string) {
  const endings: Ending[] = [];
  const pids: number[] = [];
  const kept = new KeptProcess({
    spawn: () => spawn(process.execPath, ['-e', program], { stdio: ['ignore', 'ignore', 'ignore', 'ipc'] }),
    clock: systemClock,
    random: () => 1,
    onListening: (pid) => pids.push(pid),
    onEnd: (ending) => endings.push(ending),
    isHopeless: (code) => code === 2,
  });
  onTestFinished(() => kept.stop('SIGKILL'));
  kept.start();
  return { kept, endings, pids };
}

const listens = `
  process.send({ type: 'listening', adminPort: 7 });
  process.on('message', ({ id }) => process.send({ type: 'metrics', id, text: 'a 1' }));
  process.on('disconnect', () => process.exit(0));`;

test('a process that dies at once is started again, after longer and longer pauses', async () => {
  const { endings } = keep('process.exit(1)');
  await until(
    () => endings.length,
    (count) => count >= 3,
  );
  expect(endings.slice(0, 3).map(({ code, pauseMs }) => [code, pauseMs])).toEqual([
    [1, 100],
    [1, 200],
    [1, 400],
  ]);
});

test('a process that is killed is another one afterwards, and answers what it is asked', async () => {
  const { kept, endings, pids } = keep(listens);
  await kept.started;
  expect([kept.listens, kept.adminPort]).toEqual([true, 7]);
  process.kill(pids[0] as number, 'SIGKILL');
  await until(
    () => pids.length,
    (count) => count === 2,
  );
  expect(endings).toMatchObject([{ code: null, signal: 'SIGKILL', pauseMs: 100 }]);
  expect(pids[1]).not.toBe(pids[0]);
  expect(await kept.metricsText()).toBe('a 1');
  expect(kept.restarts).toBe(1);
});

test('a process that cannot start says so, and is not tried again', async () => {
  const { kept, endings } = keep('process.exit(2)');
  await expect(kept.started).rejects.toMatchObject({ code: 2 });
  expect(endings).toMatchObject([{ code: 2, pauseMs: null }]);
});

test('a process that is told to stop is not started again', async () => {
  const { kept, endings } = keep(listens);
  await kept.started;
  await kept.stop('disconnect');
  expect(endings).toMatchObject([{ code: 0, pauseMs: null }]);
  expect(await kept.metricsText()).toBeNull();
});
