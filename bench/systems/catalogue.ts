/**
 * Every system by its name.
 */
import { baseline } from './baseline.ts';
import { centrifuge } from './centrifuge.ts';
import { nats } from './nats.ts';
import { nchan } from './nchan.ts';
import { outcry } from './outcry.ts';
import type { System } from './system.ts';

const bun = 'bare-bun';
const uws = 'bare-uws';

/** One publication per frame: what is gathered otherwise goes out at the end of the turn. */
const unpaced = ['--max-delay-ms', '0'];

export const catalogue: readonly System[] = [
  baseline(bun, bun, { runtime: 'bun', file: 'bare-bun.ts' }),
  baseline('bun-5ms', bun, { runtime: 'bun', file: 'batched-bun.ts', args: ['5'] }),
  baseline('bun-20ms', bun, { runtime: 'bun', file: 'batched-bun.ts', args: ['20'] }),
  outcry('outcry-bun', bun, { runtime: 'bun', codec: 'raw' }),
  outcry('outcry-bun-json', bun, { runtime: 'bun', codec: 'json' }),
  outcry('outcry-bun-msgpack', bun, { runtime: 'bun', codec: 'msgpack' }),
  outcry('outcry-bun-0ms', bun, { runtime: 'bun', codec: 'raw', flags: unpaced }),
  outcry('outcry-bun-msgpack-0ms', bun, { runtime: 'bun', codec: 'msgpack', flags: unpaced }),
  baseline(uws, uws, { runtime: 'node', file: 'bare-uws.mjs' }),
  baseline('uws-5ms', uws, { runtime: 'node', file: 'batched-uws.mjs', args: ['5'] }),
  baseline('uws-20ms', uws, { runtime: 'node', file: 'batched-uws.mjs', args: ['20'] }),
  outcry('outcry-node', uws, { runtime: 'node', codec: 'raw' }),
  outcry('outcry-node-json', uws, { runtime: 'node', codec: 'json' }),
  outcry('outcry-node-msgpack', uws, { runtime: 'node', codec: 'msgpack' }),
  baseline('ws', bun, { runtime: 'node', file: 'ws.mjs' }),
  baseline('socket.io', bun, { runtime: 'node', file: 'socket-io.mjs', dialect: 'socket-io' }),
  nats('nats', bun),
  nchan('nchan', bun),
  centrifuge('centrifuge', bun, { writeDelayMs: 20 }),
  centrifuge('centrifuge-0ms', bun, { writeDelayMs: 0 }),
];

/** @throws RangeError that names what there is */
export function systemNamed(name: string): System {
  const system = catalogue.find((candidate) => candidate.name === name);
  if (system === undefined)
    throw new RangeError(`no system ${name}; there are ${catalogue.map((each) => each.name).join(',')}`);
  return system;
}
