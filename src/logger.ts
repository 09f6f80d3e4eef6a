/**
 * The log: JSON lines on standard output, or a readable form where a person looks at a terminal.
 *
 * Payloads, tokens and keys are never logged. pino's own transports use worker threads; the pretty printer is used as a
 * plain stream instead, which works the same on both runtimes, and is loaded only where it is needed.
 */
import { pino } from 'pino';

interface LogLine {
  (message: string): void;
  /** Fields stand beside the message; an exception goes into `err`. */
  (fields: object, message: string): void;
}

export type Logger = Readonly<Record<'debug' | 'info' | 'warn' | 'error', LogLine>>;

export const logLevels = ['debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const;
export const logFormats = ['auto', 'json', 'pretty'] as const;

export interface LoggerOptions {
  level: (typeof logLevels)[number];
  format: (typeof logFormats)[number];
  /** Stands in every line, so that the logs of many nodes can be told apart. */
  node: string;
}

export async function createLogger(options: LoggerOptions): Promise<Logger> {
  const base = {
    level: options.level,
    base: { node: options.node },
    timestamp: pino.stdTimeFunctions.isoTime,
  };
  const pretty = options.format === 'pretty' || (options.format === 'auto' && process.stdout.isTTY === true);
  // Synchronous, like console.log: nothing piles up behind a slow reader. pino's default flushes at the exit instead, and on
  // Node it tries for ever when nobody reads any more, so that such a node did not end on SIGTERM.
  if (!pretty) return pino(base, pino.destination({ dest: 1, sync: true })) as Logger;
  const { default: prettyStream } = await import('pino-pretty');
  return pino(base, prettyStream({ sync: true, ignore: 'node', translateTime: 'SYS:HH:MM:ss.l' })) as Logger;
}
