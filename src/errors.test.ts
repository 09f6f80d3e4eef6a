import { describe, expect, test } from 'vitest';
import { exitCodes, UserError } from './errors.ts';

describe('a UserError', () => {
  test('counts as wrong usage unless it says otherwise', () => {
    expect(new UserError('no such port').exitCode).toBe(exitCodes.usage);
    expect(new UserError('the port is taken', exitCodes.cannotListen).exitCode).toBe(3);
  });

  test('is told from bugs by its class and carries its sentence', () => {
    const error = new UserError('no such port');
    expect(error).toBeInstanceOf(Error);
    expect(String(error)).toBe('UserError: no such port');
  });
});

test('every exit code is one that a shell can tell from success and from a signal', () => {
  const { ok, ...failures } = exitCodes;
  const codes = Object.values(failures);
  expect(ok).toBe(0);
  expect(new Set(codes).size).toBe(codes.length);
  for (const code of codes) {
    expect(code).toBeGreaterThan(0);
    expect(code).toBeLessThan(126);
  }
});
