/**
 * What this machine allows in connections, read from the kernel.
 */
import { readFileSync } from 'node:fs';
import { descriptorLimit } from '../../../src/config/machine.ts';
import { availableBytes } from '../../systems/kernel-memory.ts';
import type { MillionMachine } from './plan.ts';

export function millionMachine(): MillionMachine {
  const [first = 0, last = 0] = numbers('net/ipv4/ip_local_port_range');
  const [now] = numbers('net/netfilter/nf_conntrack_count');
  const [most] = numbers('net/netfilter/nf_conntrack_max');
  return {
    descriptorLimit: descriptorLimit(),
    allDescriptors: numbers('fs/file-max')[0] ?? Number.POSITIVE_INFINITY,
    availableBytes: availableBytes(),
    portsPerPair: last - first + 1,
    tracked: now === undefined || most === undefined ? null : { now, most },
  };
}

/** Of a file below /proc/sys; none if there is no such file. */
function numbers(name: string): number[] {
  try {
    return readFileSync(`/proc/sys/${name}`, 'utf8').trim().split(/\s+/).map(Number);
  } catch {
    return [];
  }
}
