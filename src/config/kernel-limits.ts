/**
 * What the kernel allows in connections, of all programs together: read from /proc/sys, where Linux has it (ip-sysctl.txt,
 * fs.rst and nf_conntrack-sysctl.rst of its documentation). What cannot be read is null, and nothing is said about it.
 */
import { readFileSync } from 'node:fs';

export interface KernelLimits {
  /** Connections that may wait to be accepted on one listener; a program may ask for fewer. */
  somaxconn: number | null;
  /** Descriptors of all processes together. */
  allDescriptors: number | null;
  /** Bytes of all TCP buffers from which the kernel saves, and beyond which it drops. */
  tcpMemory: { pressureBytes: number; mostBytes: number } | null;
  /** Source ports for connections from here towards one address and port. */
  localPorts: number | null;
  /** Connections that the firewall tracks, now and at most; null too if none is there to track them. */
  tracked: { now: number; most: number } | null;
}

/** net.ipv4.tcp_mem counts pages. All machines that Bun runs on have pages of 4 KiB, or are not hurt by the guess. */
const pageBytes = 4_096;

/** @param read what a file below /proc/sys says; throws if there is none */
export function kernelLimits(read: (name: string) => string = readSetting): KernelLimits {
  const numbers = (name: string): number[] => {
    try {
      return read(name).trim().split(/\s+/).map(Number);
    } catch {
      return [];
    }
  };
  const [somaxconn = null] = numbers('net/core/somaxconn');
  const [allDescriptors = null] = numbers('fs/file-max');
  const [, pressure, most] = numbers('net/ipv4/tcp_mem');
  const [first, last] = numbers('net/ipv4/ip_local_port_range');
  const [now] = numbers('net/netfilter/nf_conntrack_count');
  const [mostTracked] = numbers('net/netfilter/nf_conntrack_max');
  return {
    somaxconn,
    allDescriptors,
    tcpMemory:
      pressure === undefined || most === undefined
        ? null
        : { pressureBytes: pressure * pageBytes, mostBytes: most * pageBytes },
    localPorts: first === undefined || last === undefined ? null : last - first + 1,
    tracked: now === undefined || mostTracked === undefined ? null : { now, most: mostTracked },
  };
}

function readSetting(name: string): string {
  return readFileSync(`/proc/sys/${name}`, 'utf8');
}
