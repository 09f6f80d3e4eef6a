/**
 * Whether a machine can hold so many clients, and the exact commands that change what keeps it from doing so. The figures
 * are those of docs/operations.md, "Sizing", where the commands stand that measure them.
 */
import type { KernelLimits } from './kernel-limits.ts';

/** Of an idle client with one channel: user space on Bun, and the kernel's socket with what belongs to it. */
const userBytes = 3_000;
const socketBytes = 5_500;
/** In the kernel for each client while a publication of up to 1 KB goes to all of them. */
const bufferBytes = 2_304;
/**
 * CPU of a delivery that shares its system call with no other one, and of a handshake with connect and subscribe,
 * of one of dozens of workers; a single one that is warm takes half.
 */
const deliveryMicros = 20;
const handshakeMicros = 300;
/** Of a tunnel through HAProxy on the same machine, in mode http: user space, and two more sockets. */
const proxyTunnelBytes = 5_000 + 2 * socketBytes;
/** What one runtime takes before its first client, less what several of them share. */
const processBytes = 50e6;
/** Of the memory; the rest is for everything else. */
const memoryShare = 0.8;
/** Both runtimes ask for this many. */
const listenBacklog = 512;
const spare = 1.2;
/** The kernel spreads newcomers over processes by chance: with places for all and no more, the first would be full too soon. */
const fullShare = 0.9;

export interface Sizing {
  /** Clients that this machine is to hold. */
  clients: number;
  /** Connections that one process may hold, by its settings and its descriptors. */
  perProcess: number;
  /** Processes of Outcry that the settings ask for. */
  workers: number;
  descriptorLimit: number;
  memoryBytes: number;
  cores: number;
  kernel: KernelLimits;
  /** `maxconn` of the HAProxy before it, if that is known. */
  haproxyMaxconn: number | null;
}

/** What a limit is, and how many clients it is enough for; null if that is no question of clients. */
export interface SizingRow {
  what: string;
  value: string;
  clients: number | null;
}

/** What the machine has, for people. */
export function sizingRows({
  perProcess,
  descriptorLimit,
  memoryBytes,
  cores,
  kernel,
}: Omit<Sizing, 'workers'>): SizingRow[] {
  const rows: SizingRow[] = [
    { what: 'cores', value: String(cores), clients: null },
    {
      what: 'memory',
      value: `${(memoryBytes / 1e9).toFixed(1)} GB`,
      clients: Math.floor(
        Math.max(0, memoryBytes * memoryShare - processBytes) /
          (userBytes + socketBytes + processBytes / Math.max(1, perProcess)),
      ),
    },
    { what: 'descriptors of a process', value: count(descriptorLimit), clients: perProcess },
  ];
  const add = (what: string, value: number | null, clients: number | null) => {
    if (value !== null) rows.push({ what, value: count(value), clients });
  };
  const { allDescriptors, somaxconn, tcpMemory, localPorts, tracked } = kernel;
  add('fs.file-max', allDescriptors, allDescriptors);
  add('net.core.somaxconn', somaxconn, null);
  if (tcpMemory !== null)
    rows.push({
      what: 'net.ipv4.tcp_mem',
      value: `${(tcpMemory.pressureBytes / 1e9).toFixed(1)} GB`,
      clients: Math.floor(tcpMemory.pressureBytes / bufferBytes),
    });
  if (localPorts !== null)
    rows.push({ what: 'net.ipv4.ip_local_port_range', value: `${count(localPorts)} ports`, clients: null });
  add('nf_conntrack_max', tracked?.most ?? null, tracked !== null && tracked.now > 0 ? tracked.most : null);
  return rows;
}

/** One line about the time that so many clients take. */
export function sizingEffort({ clients, cores }: Pick<Sizing, 'clients' | 'cores'>): string {
  const seconds = (micros: number) => readable((clients * micros) / 1e6 / cores);
  return `${count(clients)} clients: about ${seconds(handshakeMicros)} s of all cores to connect them, ${seconds(deliveryMicros)} s for a publication to all`;
}

/** Sentences, each with a command; none if so many clients fit. */
export function adviseSizing(sizing: Sizing): string[] {
  const { clients, perProcess, workers, memoryBytes, kernel, haproxyMaxconn } = sizing;
  const { somaxconn, allDescriptors, tcpMemory, localPorts, tracked } = kernel;
  const advice: string[] = [];
  const processes = clients <= perProcess ? 1 : Math.ceil(clients / Math.max(1, perProcess * fullShare));
  if (processes > workers)
    advice.push(
      `a process holds ${count(perProcess)} clients, and chance does not fill all alike: run ${processes} (outcry serve --workers ${processes}), or raise its descriptors (ulimit -n ${rounded(clients * spare)}, LimitNOFILE=${rounded(clients * spare)} in systemd)`,
    );
  const needed = clients * (userBytes + socketBytes) + processes * processBytes;
  if (needed > memoryBytes * memoryShare)
    advice.push(
      `${count(clients)} clients take about ${(needed / 1e9).toFixed(1)} GB, the kernel's part included, of ${(memoryBytes / 1e9).toFixed(1)} GB: add memory, or machines`,
    );
  if (allDescriptors !== null && clients * spare > allDescriptors)
    advice.push(
      `all processes together may have ${count(allDescriptors)} descriptors: sysctl -w fs.file-max=${rounded(clients * 2)}`,
    );
  if (somaxconn !== null && somaxconn < listenBacklog)
    advice.push(
      `only ${somaxconn} connections may wait to be accepted, and a herd that comes back is refused beyond that: sysctl -w net.core.somaxconn=4096`,
    );
  if (tcpMemory !== null && clients * bufferBytes > tcpMemory.pressureBytes)
    advice.push(
      `a publication of 1 KB for ${count(clients)} clients is ${((clients * bufferBytes) / 1e9).toFixed(1)} GB in the kernel, which saves from ${(tcpMemory.pressureBytes / 1e9).toFixed(1)} GB on: sysctl -w net.ipv4.tcp_mem="${tcpPages(clients).join(' ')}"`,
    );
  if (tracked !== null && tracked.now > 0 && clients * spare > tracked.most)
    advice.push(
      `the firewall tracks ${count(tracked.most)} connections at most and drops what is beyond: sysctl -w net.netfilter.nf_conntrack_max=${rounded(clients * 2)}, or do not track this port (nft: notrack)`,
    );
  if (haproxyMaxconn !== null) adviseHaproxy(haproxyMaxconn, sizing, localPorts, advice);
  return advice;
}

function adviseHaproxy(
  maxconn: number,
  { clients, memoryBytes, descriptorLimit }: Sizing,
  localPorts: number | null,
  advice: string[],
): void {
  if (maxconn > clients)
    advice.push(
      `HAProxy lets ${count(maxconn)} clients in and this machine is to hold ${count(clients)}: add nodes, or set its maxconn to ${clients}`,
    );
  if (localPorts !== null && maxconn > localPorts)
    advice.push(
      `HAProxy has ${count(localPorts)} ports towards one address of a node: sysctl -w net.ipv4.ip_local_port_range="1024 65535", and beyond 64,000 clients several addresses or ports for each node (haproxy/README.md)`,
    );
  if (2 * maxconn > descriptorLimit)
    advice.push(
      `an HAProxy on this machine needs ${count(2 * maxconn)} descriptors, two for each client, and a process may have ${count(descriptorLimit)}: LimitNOFILE=${rounded(2 * maxconn * spare)} in systemd, or several processes on one port (haproxy/README.md)`,
    );
  const together = Math.min(maxconn, clients) * (userBytes + socketBytes + proxyTunnelBytes);
  if (together > memoryBytes * memoryShare)
    advice.push(
      `nodes and HAProxy together would take about ${(together / 1e9).toFixed(1)} GB of ${(memoryBytes / 1e9).toFixed(1)} GB here: put HAProxy on a machine of its own`,
    );
}

/** Pages of 4 KiB from which the kernel is at ease, saves, and drops. */
function tcpPages(clients: number): [number, number, number] {
  const pages = Math.ceil((clients * bufferBytes * spare) / 4_096);
  return [Math.ceil(pages * 0.75), pages, pages * 2];
}

/** Up to two digits that are not zero: people copy it. */
function rounded(number: number): number {
  const unit = 10 ** Math.max(0, Math.floor(Math.log10(number)) - 1);
  return Math.ceil(number / unit) * unit;
}

function readable(seconds: number): string {
  return seconds < 10 ? seconds.toPrecision(2) : seconds.toFixed(0);
}

function count(number: number): string {
  return number.toLocaleString('en');
}
