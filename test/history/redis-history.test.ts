/**
 * The history over a real Redis: what every history promises.
 */
import { afterAll, beforeAll } from 'vitest';
import { TestRedis } from '../support/redis.ts';
import { describeHistory } from './history.suite.ts';
import { HistoryNode } from './history-node.ts';

let redis: TestRedis;
beforeAll(async () => {
  redis = await TestRedis.start();
});
afterAll(() => redis.kill());

describeHistory(async (retention, receive) => {
  const { history } = await HistoryNode.start({ port: redis.port, retention, receive });
  // Redis has a clock of its own.
  return { history, pass: (ms) => new Promise((resolve) => setTimeout(resolve, ms)) };
});
