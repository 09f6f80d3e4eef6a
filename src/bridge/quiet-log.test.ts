import { beforeEach, expect, test } from 'vitest';
import { FakeClock } from '../../test/support/fake-clock.ts';
import type { Logger } from '../logger.ts';
import { QuietLog } from './quiet-log.ts';

let clock: FakeClock;
let lines: [level: string, fields: object, message: string][];
let log: QuietLog;

beforeEach(() => {
  clock = new FakeClock();
  lines = [];
  const line = (level: string) => (fields: object | string, message?: string) =>
    void lines.push([level, fields as object, message ?? '']);
  const logger: Logger = {
    debug: line('debug'),
    info: line('info'),
    warn: line('warn'),
    error: line('error'),
  };
  log = new QuietLog(logger, clock);
});

test('news is always written, as it is', () => {
  for (let i = 0; i < 3; i += 1) log.news('info', { i }, 'back');
  expect(lines).toEqual([0, 1, 2].map((i) => ['info', { i }, 'back']));
});

test('the first trouble is written at once, as it is', () => {
  log.trouble('error', { reason: 'bad' }, 'dropped');
  expect(lines).toEqual([['error', { reason: 'bad' }, 'dropped']]);
});

test('trouble is written once a second, with how much was left out', () => {
  for (let ms = 0; ms < 2_500; ms += 1) {
    log.trouble('warn', { ms }, 'dropped');
    clock.advance(1);
  }
  expect(lines).toEqual([
    ['warn', { ms: 0 }, 'dropped'],
    ['warn', { ms: 1_000, linesLeftOut: 999 }, 'dropped'],
    ['warn', { ms: 2_000, linesLeftOut: 999 }, 'dropped'],
  ]);
});

test('trouble that comes seldom leaves nothing out', () => {
  for (let i = 0; i < 3; i += 1) {
    log.trouble('warn', {}, 'dropped');
    clock.advance(1_000);
  }
  expect(lines).toEqual(new Array(3).fill(['warn', {}, 'dropped']));
});

test('trouble right after news, which often tells its cause, is left out and counted later', () => {
  log.news('warn', {}, 'away');
  log.trouble('warn', {}, 'dropped');
  clock.advance(999);
  log.trouble('warn', {}, 'dropped');
  clock.advance(1);
  log.trouble('warn', {}, 'dropped');
  expect(lines).toEqual([
    ['warn', {}, 'away'],
    ['warn', { linesLeftOut: 2 }, 'dropped'],
  ]);
});
