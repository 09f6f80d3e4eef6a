/**
 * What a process has used, from the kernel's own accounting (proc(5)).
 */
import { readFileSync } from 'node:fs';

/** Clock ticks of /proc/PID/stat; 100 on every Linux that matters. */
const ticksPerSecond = 100;

export interface Usage {
  userSeconds: number;
  systemSeconds: number;
  /** Resident bytes now. */
  residentBytes: number;
}

/** What some processes have used together. */
export function usageOf(pids: readonly number[]): Usage {
  const total = { userSeconds: 0, systemSeconds: 0, residentBytes: 0 };
  for (const usage of pids.map(usageOfOne)) {
    total.userSeconds += usage.userSeconds;
    total.systemSeconds += usage.systemSeconds;
    total.residentBytes += usage.residentBytes;
  }
  return total;
}

/** User and system time of all its threads since it started. */
function usageOfOne(pid: number): Usage {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  // The name, in parentheses, may hold anything; what follows it does not.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const resident = /^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
  return {
    userSeconds: Number(fields[11]) / ticksPerSecond,
    systemSeconds: Number(fields[12]) / ticksPerSecond,
    residentBytes: Number(resident) * 1_024,
  };
}

/**
 * Bytes of memory that some processes have, pages that they share divided among those that have them: what would be free
 * without them. Programs that run many times are mostly such pages.
 */
export function proportionalBytes(pids: readonly number[]): number {
  return pids.reduce((sum, pid) => {
    const kB = /^Pss:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8'))?.[1];
    return sum + Number(kB) * 1_024;
  }, 0);
}

/** A process and those that it has started, as they are now. */
export function withChildren(pid: number): number[] {
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8');
  return [pid, ...children.split(' ').filter(Boolean).map(Number).flatMap(withChildren)];
}

/** CPU seconds of some processes together. */
export function cpuSecondsOf(pids: readonly number[]): number {
  return secondsOf(usageOf(pids));
}

export function secondsOf({ userSeconds, systemSeconds }: Usage): number {
  return userSeconds + systemSeconds;
}
