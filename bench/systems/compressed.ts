/**
 * What the scenario `compression` compares: a node whose channels are compressed, and the same node without.
 */
import { outcry } from './outcry.ts';
import type { Runtime, System } from './system.ts';

/** The plain one runs twice in each round. */
export function plainAndCompressed(runtime: Runtime): System[] {
  const plain = `plain-${runtime}`;
  const flags = ['--namespaces', '{"default":{"compress":true}}'];
  return [
    outcry(plain, plain, { runtime, codec: 'json', dialect: 'outcry-json-quotes' }),
    outcry(`compressed-${runtime}`, plain, {
      runtime,
      codec: 'json',
      flags,
      dialect: 'outcry-json-deflated',
    }),
  ];
}
