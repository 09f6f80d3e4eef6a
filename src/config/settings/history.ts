/** What is kept of channels with history: by a node without Redis, and by every node at hand. */
import { integer, type Setting } from '../setting.ts';

export const historySettings = {
  historyMaxBytes: integer({
    default: 268_435_456,
    min: 1_048_576,
    max: 68_719_476_736,
    unit: 'bytes',
    sentence:
      'Payloads that a node without Redis keeps of all channels with history together; beyond it the channels that were quiet longest lose their oldest ones.',
  }),
  historyMaxChannels: integer({
    default: 100_000,
    min: 1,
    max: 10_000_000,
    unit: 'channels',
    sentence:
      'Channels with history that a node without Redis remembers; beyond it the one that was untouched longest is forgotten.',
  }),
  tailMaxBytes: integer({
    default: 262_144,
    min: 4_096,
    max: 67_108_864,
    unit: 'bytes',
    sentence:
      'Latest publications of a channel with history that a node keeps at hand, so that those who come back need not be looked up.',
  }),
  tailMaxBytesTogether: integer({
    default: 67_108_864,
    min: 1_048_576,
    max: 17_179_869_184,
    unit: 'bytes',
    sentence: 'The same for all channels together.',
  }),
} as const satisfies Record<string, Setting>;
