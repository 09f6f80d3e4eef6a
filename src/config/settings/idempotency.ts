/** What is remembered of publications in channels without history, so that one that is repeated counts once. */
import { integer, type Setting } from '../setting.ts';

export const idempotencySettings = {
  idempotencyWindowMs: integer({
    default: 300_000,
    min: 1_000,
    max: 86_400_000,
    unit: 'ms',
    sentence:
      'How long a node remembers the idempotency keys of publications in channels without history. The SDK repeats for up to 240,000 ms; a history always remembers for 300,000.',
  }),
  idempotencyMaxKeys: integer({
    default: 100_000,
    min: 1,
    max: 10_000_000,
    unit: 'keys',
    sentence:
      'Such keys that a node remembers, some 200 bytes each; beyond it the oldest are forgotten before their time, which is counted.',
  }),
} as const satisfies Record<string, Setting>;
