/**
 * Every system by its name.
 */
import { baseline } from './baseline.ts';
import { outcry } from './outcry.ts';
import type { System } from './system.ts';

const bun = 'bare-bun';
const uws = 'bare-uws';

export const catalogue: readonly System[] = [
  baseline(bun, 'bun', bun, 'bare-bun.ts'),
  baseline('bun-5ms', 'bun', bun, 'batched-bun.ts', '5'),
  baseline('bun-20ms', 'bun', bun, 'batched-bun.ts', '20'),
  outcry('outcry-bun', 'bun', bun),
  baseline(uws, 'node', uws, 'bare-uws.mjs'),
  baseline('uws-5ms', 'node', uws, 'batched-uws.mjs', '5'),
  baseline('uws-20ms', 'node', uws, 'batched-uws.mjs', '20'),
  outcry('outcry-node', 'node', uws),
];

/** @throws RangeError that names what there is */
export function systemNamed(name: string): System {
  const system = catalogue.find((candidate) => candidate.name === name);
  if (system === undefined)
    throw new RangeError(`no system ${name}; there are ${catalogue.map((each) => each.name).join(',')}`);
  return system;
}
