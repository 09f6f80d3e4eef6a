/**
 * What the machine allows: how many descriptors a process may open, and how many connections fit below that.
 */
import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import type { Settings } from './settings.ts';

/** Assumed where the limit cannot be read (only Linux has /proc): the usual soft limit of a login shell. */
const fallbackDescriptorLimit = 1_024;

/** Descriptors kept for listeners, Redis, files, health checks and requests that are only answered with 503. */
const reservedDescriptors = 128;

/** The soft limit of open descriptors of this process. Bun and Node raise it to the hard limit when they start. */
export function descriptorLimit(): number {
  let limits: string;
  try {
    limits = readFileSync('/proc/self/limits', 'utf8');
  } catch {
    return fallbackDescriptorLimit;
  }
  const soft = /^Max open files\s+(\d+|unlimited)/m.exec(limits)?.[1];
  if (soft === undefined) return fallbackDescriptorLimit;
  return soft === 'unlimited' ? Number.MAX_SAFE_INTEGER : Number(soft);
}

/** Connections that fit below a descriptor limit: all but the reserve, and never less than half of a small limit. */
export function connectionsThatFit(limit: number): number {
  return Math.max(limit - reservedDescriptors, Math.floor(limit / 2));
}

/** How many workers there are to be. */
export function workersOf({ workers }: Pick<Settings, 'workers'>): number {
  return workers === 'auto' ? availableParallelism() : workers;
}
