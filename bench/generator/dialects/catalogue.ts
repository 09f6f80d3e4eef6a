/**
 * Every dialect by its name: workers are processes of their own, so a dialect travels as a name.
 */
import type { Dialect } from '../dialect.ts';
import { centrifuge } from './centrifuge.ts';
import { nats } from './nats.ts';
import { outcryHistory } from './outcry-history.ts';
import { outcryJson, outcryJsonDeflated, outcryJsonQuotes } from './outcry-json.ts';
import { outcryMsgpack } from './outcry-msgpack.ts';
import { listed, raw } from './raw.ts';
import { socketIo } from './socket-io.ts';

/** Each speaks of records of one size. */
export const dialects = {
  raw,
  listed,
  nats,
  centrifuge,
  'outcry-json': outcryJson,
  'outcry-json-quotes': outcryJsonQuotes,
  'outcry-json-deflated': outcryJsonDeflated,
  'outcry-msgpack': outcryMsgpack,
  'outcry-history': outcryHistory,
  'socket-io': socketIo,
} satisfies Record<string, (recordBytes: number) => Dialect>;

export type DialectName = keyof typeof dialects;
