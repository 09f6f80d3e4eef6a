import { describe, expect, test } from 'vitest';
import { fakeRequest } from '../../test/support/fake-request.ts';
import { Readiness } from '../lifecycle/readiness.ts';
import { healthReply } from './health.ts';

function readinessOf(state: string): Readiness {
  const readiness = new Readiness();
  if (state === 'ready') readiness.has('start');
  if (state === 'stopping') readiness.stopping();
  return readiness;
}

describe('/health/ready', () => {
  test.each([
    ['waiting', 503, { status: 'waiting', lacking: ['start'] }],
    ['ready', 200, { status: 'ready' }],
    ['stopping', 404, { status: 'stopping' }],
  ])('of a node that is %s has the status %i', (state, status, body) => {
    const reply = healthReply(fakeRequest({ path: '/health/ready' }), readinessOf(state));
    expect(reply).toMatchObject({ status, body: `${JSON.stringify(body)}\n` });
  });
});

describe('/health/live', () => {
  test.each(['waiting', 'ready', 'stopping'])('is 200 also of a node that is %s', (state) => {
    const reply = healthReply(fakeRequest({ path: '/health/live' }), readinessOf(state));
    expect(reply).toMatchObject({ status: 200, body: '{"status":"live"}\n' });
  });
});

test.each(['/', '/health', '/health/', '/health/live/', '/HEALTH/LIVE'])('%s is no health route', (path) => {
  expect(healthReply(fakeRequest({ path }), new Readiness())).toBeNull();
});
