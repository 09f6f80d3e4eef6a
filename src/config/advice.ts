/**
 * What a node should be told about its settings although it may start: `outcry check` prints it, `outcry serve` logs it.
 */

import { isLoopback } from './load-settings.ts';
import { connectionsThatFit, workersOf } from './machine.ts';
import { resolveNamespaces } from './namespaces.ts';
import type { Settings } from './settings.ts';

/** Measured, on Bun; docs/benchmarks.md, "Compression". */
const compressionMicrosPerKB = 15;
const deliveriesPerCore = '65,000';

export interface Machine {
  descriptorLimit: number;
  /** Bytes of memory that the machine has. */
  memoryBytes: number;
}

/** Sentences, each with what to do; none if everything fits. */
export function advise(settings: Settings, machine: Machine): string[] {
  const advice: string[] = [];
  const fit = connectionsThatFit(machine.descriptorLimit);
  const connections = settings.maxConnections ?? fit;
  if (connections > fit)
    advice.push(
      `maxConnections is ${connections}, but only ${fit} fit below the descriptor limit of ${machine.descriptorLimit}: raise it (ulimit -n, or LimitNOFILE= in systemd) or set maxConnections lower`,
    );
  if (machine.descriptorLimit < 4_096)
    advice.push(
      `the descriptor limit is ${machine.descriptorLimit}: this node can hold ${connections} connections; raise it with ulimit -n or LimitNOFILE= for more`,
    );
  const keepsAny = [...resolveNamespaces(settings).values()].some(({ historySize }) => historySize > 0);
  const slowBytes = settings.backpressureLimitBytes + (keepsAny ? settings.recoveryMaxBytes : 0);
  const slowShare = Math.floor(machine.memoryBytes / slowBytes);
  // The limits above are those of each process; the memory is one.
  const together = connections * workersOf(settings);
  if (slowShare < together)
    advice.push(
      `if more than ${slowShare} of ${together} clients were slow at once, ${slowBytes} bytes each would not fit into memory: lower backpressureLimitBytes${keepsAny ? ', recoveryMaxBytes' : ''} or maxConnections`,
    );
  if (settings.origins.length === 0 && !isLoopback(settings.host))
    advice.push('pages of any origin may connect: set origins to the ones that should');
  const namespaces = [...resolveNamespaces(settings)];
  const compressed = namespaces.filter(([, { compress }]) => compress);
  if (compressed.length > 0)
    advice.push(
      `what is published in ${quoted(compressed.map(([name]) => name))} is compressed again for each subscriber: about ${compressionMicrosPerKB} µs of CPU per KB, so that a core is full at some ${deliveriesPerCore} deliveries of 1 KB a second; set compress to false where bandwidth is not what is scarce`,
    );
  const open = namespaces.filter(([, { publish }]) => publish === 'anyone');
  if (open.length > 0 && !isLoopback(settings.host))
    advice.push(
      `this address is public and anyone may publish in ${quoted(open.map(([name]) => name))}: set profile to feed, or publish to api in namespaces`,
    );
  return advice;
}

/** The first few names, and how many more there are. */
function quoted(names: readonly string[]): string {
  const shown = names.slice(0, 5).map((name) => JSON.stringify(name));
  return names.length > 5 ? `${shown.join(', ')} and ${names.length - 5} more namespaces` : shown.join(', ');
}
