import { describe, expect, test } from 'vitest';
import { Readiness } from './readiness.ts';

describe('readiness', () => {
  test('goes from starting to ready to stopping', () => {
    const readiness = new Readiness();
    expect(readiness.state).toBe('starting');
    readiness.ready();
    expect(readiness.state).toBe('ready');
    readiness.stopping();
    expect(readiness.state).toBe('stopping');
  });

  test('never comes back from stopping', () => {
    const readiness = new Readiness();
    readiness.stopping();
    readiness.ready();
    expect(readiness.state).toBe('stopping');
  });
});
