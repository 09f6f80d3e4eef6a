/**
 * What `million` measures: a server, whatever stands before it, and the crowd that connects; and what they have used.
 */
import type { Crowd } from '../../crowd/crowd.ts';
import type { Target } from '../../generator/messages.ts';
import type { HaproxyFleet } from '../../systems/haproxy-fleet.ts';
import { availableBytes, slabBytes } from '../../systems/kernel-memory.ts';
import { cpuSecondsOf, proportionalBytes } from '../../systems/process-usage.ts';
import type { RunningSystem } from '../../systems/system.ts';

export interface Measured {
  server: RunningSystem;
  proxy: HaproxyFleet | null;
  crowd: Crowd;
  /** Where the crowd connects. */
  target: Target;
}

/** CPU seconds so far. */
export interface Spent {
  server: number;
  proxy: number;
}

export function spentBy({ server, proxy }: Measured): Spent {
  return { server: cpuSecondsOf(server.pids), proxy: cpuSecondsOf(proxy?.pids ?? []) };
}

export function spentSince(before: Spent, measured: Measured): Spent {
  const now = spentBy(measured);
  return { server: now.server - before.server, proxy: now.proxy - before.proxy };
}

/** Bytes now: of programs, of the kernel, and what is left. */
export interface Memory {
  server: number;
  proxy: number;
  slab: number;
  available: number;
}

export function memoryOf({ server, proxy }: Measured): Memory {
  return {
    server: proportionalBytes(server.pids),
    proxy: proportionalBytes(proxy?.pids ?? []),
    slab: slabBytes(),
    available: availableBytes(),
  };
}
