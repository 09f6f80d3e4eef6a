/** How a node leaves after SIGTERM. */
import { integer, type Setting } from '../setting.ts';

export const shutdownSettings = {
  drainDelayMs: integer({
    default: 0,
    min: 0,
    max: 600_000,
    unit: 'ms',
    sentence:
      'After SIGTERM, the node is not ready for this long before it closes the first client, and goes on taking new ones, so that load balancers see it in time; longer than two of their checks.',
  }),
  drainWindowMs: integer({
    default: 0,
    min: 0,
    max: 3_600_000,
    unit: 'ms',
    sentence:
      'After SIGTERM, clients are closed one by one, in random order, over this long; 0, and SIGINT (Ctrl-C), close all at once. Set it where nodes are replaced one after the other.',
  }),
  shutdownTimeoutMs: integer({
    default: 4_000,
    min: 0,
    max: 600_000,
    unit: 'ms',
    sentence:
      'After SIGTERM, and after `drainDelayMs` and `drainWindowMs`, clients have this long to take what still waits for them; then they are terminated and the node exits.',
  }),
} as const satisfies Record<string, Setting>;
