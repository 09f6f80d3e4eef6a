/**
 * What the machine allows: how many descriptors a process may open, how many it has, and how many connections fit below that.
 */
import { closeSync, openSync, readFileSync, statSync } from 'node:fs';
import { availableParallelism, totalmem } from 'node:os';
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

/**
 * Descriptors that this process has open, in a few microseconds. Before Linux 6.2 nobody counts them: then it is how many of the
 * lowest numbers are taken, which are all of them just when that matters.
 */
export function descriptorsInUse(limit: number): number {
  try {
    const { size } = statSync('/proc/self/fd');
    return size > 0 ? size : lowestFreeDescriptor();
  } catch {
    return limit; // None was left to find out with.
  }
}

function lowestFreeDescriptor(): number {
  const descriptor = openSync('/dev/null', 'r');
  closeSync(descriptor);
  return descriptor;
}

/** Descriptors that are open for nothing, to be given up when there are no others. */
export class SpareDescriptors {
  readonly #descriptors: number[] = [];

  /** Opens as many as there may be, at most `count`. Called again it does nothing. */
  hold(count: number): void {
    try {
      while (this.#descriptors.length < count) this.#descriptors.push(openSync('/dev/null', 'r'));
    } catch {
      // Next time.
    }
  }

  release(): void {
    for (const descriptor of this.#descriptors.splice(0)) closeSync(descriptor);
  }
}

/** Where the kernel says what a container may have: cgroup 2, then 1. */
const memoryLimitFiles = ['/sys/fs/cgroup/memory.max', '/sys/fs/cgroup/memory/memory.limit_in_bytes'];

/** Bytes of memory that the machine has, or the container if that is less. */
export function memoryBytes(): number {
  const limits = memoryLimitFiles.map((file) => {
    try {
      return Number(readFileSync(file, 'utf8')) || Number.POSITIVE_INFINITY; // It may be `max`.
    } catch {
      return Number.POSITIVE_INFINITY;
    }
  });
  return Math.min(totalmem(), ...limits);
}
