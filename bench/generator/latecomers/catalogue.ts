/**
 * Those dialects in which a client can take up again where it was: workers are processes of their own, so they travel as names.
 */
import type { DialectName } from '../dialects/catalogue.ts';
import { centrifugeResumption } from './centrifuge.ts';
import { outcryResumption } from './outcry.ts';
import { readyMadeResumption } from './ready-made.ts';
import type { Resumption } from './resumption.ts';
import { socketIoResumption } from './socket-io.ts';

const resumptions: Partial<Record<DialectName, (recordBytes: number) => Resumption>> = {
  'outcry-msgpack': outcryResumption,
  'socket-io': socketIoResumption,
  centrifuge: centrifugeResumption,
  raw: readyMadeResumption,
};

/** @throws Error if that dialect has none */
export function resumptionIn(dialect: DialectName, recordBytes: number): Resumption {
  const resumption = resumptions[dialect];
  if (resumption === undefined) throw new Error(`nobody comes back in the dialect ${dialect}`);
  return resumption(recordBytes);
}
