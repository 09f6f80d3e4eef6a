/**
 * How many processes so many connections need, and why they would not fit on this machine. Both ends are here, the
 * generator's too, so a connection counts twice.
 */
import { connectionsPerProcess } from '../../crowd/capacity.ts';
import type { Via } from '../../systems/haproxy-fleet.ts';

export interface MillionMachine {
  /** Of a process. */
  descriptorLimit: number;
  /** Of all processes together. */
  allDescriptors: number;
  availableBytes: number;
  /** Source ports towards one address and port. */
  portsPerPair: number;
  /** Connections that the kernel tracks for its firewall, now and at most; null if it tracks none. */
  tracked: { now: number; most: number } | null;
}

export interface MillionPlan {
  workers: number;
  crowdProcesses: number;
  proxies: number;
  expectedBytes: number;
  /** Sentences; it may begin if there are none. */
  refusals: string[];
}

/** What stays free, so that nothing on this machine is killed. */
export const reserveBytes = 1.5e9;

/** The kernel spreads connections over processes by chance: with 20,000 places for 18,000, none was ever full. */
const workerFill = 0.9;
/** HAProxy has two descriptors for each connection. */
const proxyFill = 0.42;
const mostProcesses = 400;

// Measured with this scenario on Bun 1.4.5, HAProxy 2.6.12 and Linux 6.18; see docs/operations.md, "Sizing".
const socketPairBytes = 11_000;
const workerBytes = 60e6;
const crowdProcessBytes = 12e6;
const proxyBytes = 12e6;
const nodeConnectionBytes = 3_000;
const proxyConnectionBytes: Record<Via, number> = {
  haproxy: 5_000,
  'haproxy-l4': 3_500,
  'haproxy-tls': 30_000,
};
/** The generator's own end of TLS. */
const tlsClientBytes = 25_000;

export function planMillion(
  clients: number,
  via: Via | null,
  machine: MillionMachine,
  workers: number | null = null,
): MillionPlan {
  const { descriptorLimit } = machine;
  const plan = {
    workers: workers ?? Math.ceil(clients / Math.floor(connectionsPerProcess(descriptorLimit) * workerFill)),
    crowdProcesses: Math.ceil(clients / connectionsPerProcess(descriptorLimit)),
    proxies: via === null ? 0 : Math.ceil(clients / Math.floor(descriptorLimit * proxyFill)),
  };
  const each =
    nodeConnectionBytes +
    (via === null
      ? socketPairBytes
      : 2 * socketPairBytes + proxyConnectionBytes[via] + (via === 'haproxy-tls' ? tlsClientBytes : 0));
  const fixed =
    plan.workers * workerBytes + plan.crowdProcesses * crowdProcessBytes + plan.proxies * proxyBytes;
  const expectedBytes = fixed + clients * each;
  const refusals: string[] = [];
  const room = machine.availableBytes - reserveBytes;
  if (expectedBytes > room)
    refusals.push(
      `about ${gigabytes(expectedBytes)} GB would be needed, both ends and the kernel's part included, and ${gigabytes(Math.max(0, room))} GB may be taken: ${instead(Math.floor((clients * room) / expectedBytes))}`,
    );
  const processes = plan.workers + plan.crowdProcesses + plan.proxies;
  if (processes > mostProcesses)
    refusals.push(
      `a process may have ${descriptorLimit} descriptors, so ${processes} processes would be needed, and ${mostProcesses} is the most that this scenario starts: raise the limit (ulimit -n)`,
    );
  const descriptors = clients * (via === null ? 2 : 4);
  if (descriptors > machine.allDescriptors)
    refusals.push(
      `${descriptors.toLocaleString('en')} descriptors would be needed, and all processes together may have ${machine.allDescriptors.toLocaleString('en')}: raise it (sysctl -w fs.file-max=${2 * descriptors})`,
    );
  if (via !== null && clients / plan.proxies > machine.portsPerPair)
    refusals.push(
      `each HAProxy needs ${Math.ceil(clients / plan.proxies)} ports towards the workers, and there are ${machine.portsPerPair} (sysctl -w net.ipv4.ip_local_port_range="1024 65535")`,
    );
  const { tracked } = machine;
  const toTrack = clients * (via === null ? 1 : 2);
  if (tracked !== null && tracked.now > 0 && tracked.now + toTrack > tracked.most)
    refusals.push(
      `the firewall tracks connections, ${tracked.most} at most: raise it (sysctl -w net.netfilter.nf_conntrack_max=${2 * toTrack})`,
    );
  return { ...plan, expectedBytes, refusals };
}

function instead(clients: number): string {
  if (clients < 1_000) return 'end something else first';
  return `--clients ${Math.floor(clients / 1_000) * 1_000} would fit`;
}

function gigabytes(bytes: number): string {
  return (bytes / 1e9).toFixed(1);
}
