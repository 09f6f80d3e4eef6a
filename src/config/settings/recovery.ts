/** What those get who come back, and how many are served at once. */
import { integer, type Setting } from '../setting.ts';

export const recoverySettings = {
  recoveryMaxPublications: integer({
    default: 10_000,
    min: 1,
    max: 100_000,
    unit: 'publications',
    sentence:
      'Publications that a client gets at most when it comes back; whoever has missed more is told `too_much`.',
  }),
  recoveryMaxBytes: integer({
    default: 1_572_864,
    min: 1_024,
    max: 134_217_728,
    unit: 'bytes',
    sentence:
      'The same in bytes, for all channels of one subscribe together with what waits for the client. They may wait beside `backpressureLimitBytes`, and should be more: what waited for a client that was terminated is what it misses.',
  }),
  maxRecoveries: integer({
    default: 64,
    min: 1,
    max: 10_000,
    unit: 'channels',
    sentence: 'Recoveries of one channel each that read the history at the same time.',
  }),
  maxRecoveriesWaiting: integer({
    default: 20_000,
    min: 0,
    max: 10_000_000,
    unit: 'channels',
    sentence: 'Recoveries that wait for their turn; further ones are told `unavailable`.',
  }),
  recoveryTimeoutMs: integer({
    default: 5_000,
    min: 100,
    max: 60_000,
    unit: 'ms',
    sentence: 'A recovery that has to wait or read for longer is told `unavailable`.',
  }),
} as const satisfies Record<string, Setting>;
