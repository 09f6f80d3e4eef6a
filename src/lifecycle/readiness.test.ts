import { describe, expect, test } from 'vitest';
import { Readiness } from './readiness.ts';

describe('readiness', () => {
  test('waits for the start, is ready after it, and ends with stopping', () => {
    const readiness = new Readiness();
    expect([readiness.state, readiness.lacking]).toEqual(['waiting', ['start']]);
    readiness.has('start');
    expect([readiness.state, readiness.lacking]).toEqual(['ready', []]);
    readiness.stopping();
    expect(readiness.state).toBe('stopping');
  });

  test('is lost when Redis goes, and comes back with it', () => {
    const readiness = new Readiness();
    readiness.has('start');
    readiness.lacks('redis');
    expect([readiness.state, readiness.lacking]).toEqual(['waiting', ['redis']]);
    readiness.has('redis');
    expect(readiness.state).toBe('ready');
  });

  test('needs everything at once', () => {
    const readiness = new Readiness();
    readiness.lacks('redis');
    readiness.has('start');
    expect(readiness.state).toBe('waiting');
  });

  test('never comes back from stopping', () => {
    const readiness = new Readiness();
    readiness.stopping();
    readiness.has('start');
    expect(readiness.state).toBe('stopping');
  });
});
