/**
 * One node with a Redis of its own behind it or alone, for tests of what has to be the same on both. Both end with the test.
 */
import { onTestFinished } from 'vitest';
import { startNode, type TestNode } from './node.ts';
import { TestRedis } from './redis.ts';

/** For `describe.each`. */
export const aloneAndOverRedis: readonly [where: string, withRedis: boolean][] = [
  ['on a node that is alone', false],
  ['over Redis', true],
];

/** A node that is ready. */
export async function startAloneOrOverRedis(withRedis: boolean, flags: readonly string[]): Promise<TestNode> {
  const redis = withRedis ? await TestRedis.start() : null;
  onTestFinished(async () => void (await redis?.kill()));
  const node = await startNode([...(redis === null ? [] : ['--redis', redis.url]), ...flags]);
  onTestFinished(async () => void (await node.stop()));
  await node.untilReady(200);
  return node;
}
