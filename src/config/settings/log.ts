/** What is logged, and how. */
import { logFormats, logLevels } from '../../logger.ts';
import { choice, type Setting } from '../setting.ts';

export const logSettings = {
  logLevel: choice({
    words: logLevels,
    default: 'info',
    sentence: 'Least severe line that is logged.',
  }),
  logFormat: choice({
    words: logFormats,
    default: 'auto',
    sentence: 'JSON lines, or a readable form; `auto` is readable on a terminal.',
  }),
} as const satisfies Record<string, Setting>;
