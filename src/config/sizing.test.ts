import { describe, expect, test } from 'vitest';
import { adviseSizing, type Sizing, sizingEffort, sizingRows } from './sizing.ts';

/** A machine and clients about which there is nothing to say. */
const calm: Sizing = {
  clients: 10_000,
  perProcess: 20_000,
  workers: 1,
  descriptorLimit: 20_128,
  memoryBytes: 16e9,
  cores: 4,
  kernel: {
    somaxconn: 4_096,
    allDescriptors: 1_000_000,
    tcpMemory: { pressureBytes: 1e9, mostBytes: 2e9 },
    localPorts: 28_232,
    tracked: null,
  },
  haproxyMaxconn: null,
};
const withKernel = (changes: Partial<Sizing['kernel']>) => ({
  ...calm,
  kernel: { ...calm.kernel, ...changes },
});

describe('advice about a machine', () => {
  test('is not given when so many clients fit, or nothing is known', () => {
    expect(adviseSizing(calm)).toEqual([]);
    const kernel = {
      somaxconn: null,
      allDescriptors: null,
      tcpMemory: null,
      localPorts: null,
      tracked: null,
    };
    expect(adviseSizing({ ...calm, kernel })).toEqual([]);
  });

  test('says how many workers so many clients need, until there are as many', () => {
    const many = { ...calm, clients: 50_000 };
    expect(adviseSizing(many)).toEqual([
      'a process holds 20,000 clients, and chance does not fill all alike: run 3 (outcry serve --workers 3), or raise its descriptors (ulimit -n 60000, LimitNOFILE=60000 in systemd)',
    ]);
    expect(adviseSizing({ ...many, workers: 3 })).toEqual([]);
    // As many places as clients: some would be refused while there is room elsewhere.
    expect(adviseSizing({ ...many, clients: 60_000, workers: 3 })).toEqual([
      expect.stringContaining('--workers 4'),
    ]);
  });

  test('counts the memory of the kernel', () => {
    expect(adviseSizing({ ...calm, memoryBytes: 160e6 })).toEqual([
      expect.stringMatching(/^10,000 clients take about 0\.1 GB, the kernel's part included, of 0\.2 GB/),
    ]);
  });

  test.each([
    [{ allDescriptors: 11_000 }, 'sysctl -w fs.file-max=20000'],
    [{ somaxconn: 128 }, 'sysctl -w net.core.somaxconn=4096'],
    [{ tcpMemory: { pressureBytes: 2e7, mostBytes: 4e7 } }, 'sysctl -w net.ipv4.tcp_mem="5063 6750 13500"'],
    [{ tracked: { now: 3, most: 11_000 } }, 'sysctl -w net.netfilter.nf_conntrack_max=20000'],
  ])('names the command for %o', (kernel, command) => {
    const advice = adviseSizing(withKernel(kernel));
    expect(advice).toEqual([expect.stringContaining(command)]);
  });

  test('does not speak of a firewall that tracks nothing', () => {
    expect(adviseSizing(withKernel({ tracked: { now: 0, most: 100 } }))).toEqual([]);
  });

  test('compares HAProxy with what the nodes hold, its ports and its descriptors', () => {
    expect(adviseSizing({ ...calm, haproxyMaxconn: 9_000 })).toEqual([]);
    expect(adviseSizing({ ...calm, haproxyMaxconn: 30_000 })).toEqual([
      expect.stringMatching(/^HAProxy lets 30,000 clients in .* set its maxconn to 10000$/),
      expect.stringContaining('ip_local_port_range="1024 65535"'),
      expect.stringMatching(/needs 60,000 descriptors.* LimitNOFILE=72000 in systemd/),
    ]);
    expect(adviseSizing({ ...calm, haproxyMaxconn: 9_000, memoryBytes: 250e6 })).toEqual([
      expect.stringContaining('put HAProxy on a machine of its own'),
    ]);
  });
});

test('the rows say how many clients each limit is enough for', () => {
  const tracked = { now: 1, most: 5_000 };
  const rows = sizingRows(withKernel({ tracked }));
  expect(rows).toContainEqual({ what: 'descriptors of a process', value: '20,128', clients: 20_000 });
  expect(rows).toContainEqual({ what: 'nf_conntrack_max', value: '5,000', clients: 5_000 });
  expect(rows).toContainEqual({ what: 'cores', value: '4', clients: null });
  const [memory] = rows.filter(({ what }) => what === 'memory');
  expect(memory?.clients).toBeGreaterThan(1_000_000);
});

test('the effort is that of all cores together', () => {
  expect(sizingEffort({ clients: 1_000_000, cores: 2 })).toBe(
    '1,000,000 clients: about 150 s of all cores to connect them, 10 s for a publication to all',
  );
});
