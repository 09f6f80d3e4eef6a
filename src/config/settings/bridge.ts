/** How publications are gathered into frames for the other nodes. */
import { integer, type Setting } from '../setting.ts';

export const bridgeSettings = {
  bridgeMaxDelayMs: integer({
    default: 2,
    min: 0,
    max: 1_000,
    unit: 'ms',
    sentence:
      'How long publications for other nodes are gathered while a shard is busy; a quiet shard sends at once.',
  }),
  bridgeMaxFrameBytes: integer({
    default: 65_536,
    min: 1_024,
    max: 1_048_576,
    unit: 'bytes',
    sentence: 'A frame to the other nodes is sent at the latest when it has this size.',
  }),
  bridgeMaxFramePublications: integer({
    default: 1_024,
    min: 1,
    max: 65_536,
    unit: 'publications',
    sentence: 'A frame to the other nodes is sent at the latest when it holds this many.',
  }),
} as const satisfies Record<string, Setting>;
