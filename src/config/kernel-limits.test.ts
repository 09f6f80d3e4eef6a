import { expect, test } from 'vitest';
import { kernelLimits } from './kernel-limits.ts';

const settings: Record<string, string> = {
  'net/core/somaxconn': '4096\n',
  'fs/file-max': '2466174\n',
  'net/ipv4/tcp_mem': '287898\t383866\t575796\n',
  'net/ipv4/ip_local_port_range': '32768\t60999\n',
  'net/netfilter/nf_conntrack_count': '12\n',
  'net/netfilter/nf_conntrack_max': '262144\n',
};

function read(name: string): string {
  const text = settings[name];
  if (text === undefined) throw new Error('ENOENT');
  return text;
}

test('reads the limits of the kernel, pages as bytes and a range as how many it has', () => {
  expect(kernelLimits(read)).toEqual({
    somaxconn: 4_096,
    allDescriptors: 2_466_174,
    tcpMemory: { pressureBytes: 383_866 * 4_096, mostBytes: 575_796 * 4_096 },
    localPorts: 28_232,
    tracked: { now: 12, most: 262_144 },
  });
});

test('says nothing of what is not there', () => {
  const nothing = () => {
    throw new Error('ENOENT');
  };
  expect(kernelLimits(nothing)).toEqual({
    ...{ somaxconn: null, allDescriptors: null, tcpMemory: null, localPorts: null, tracked: null },
  });
});
