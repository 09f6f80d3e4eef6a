/**
 * A subscriber that stops reading for some seconds and then reads on, in a process of its own.
 *
 * It hears a channel of its own, which carries 8 MB a second meanwhile: the bare server keeps 16 MB for a slow subscriber
 * before it drops anything, and from the race's own channel that would take half an hour.
 */
import { Worker } from '../generator/worker.ts';
import type { Target } from '../generator/messages.ts';
import type { PausedReader } from './standing.ts';

export interface ToReader {
  type: 'pause';
  target: Target;
  seconds: number;
}

export type FromReader = { type: 'failed'; reason: string } | ({ type: 'read' } & PausedReader);

/** Resolves when it has read on and nothing more comes. */
export async function pauseReader(target: Target, seconds: number): Promise<PausedReader> {
  const reader = new Worker<ToReader, FromReader>('../race/paused-reader.ts');
  try {
    const { type: _, ...paused } = await reader.ask({ type: 'pause', target, seconds }, 'read');
    return paused;
  } finally {
    await reader.end();
  }
}
