/**
 * The slots of a Redis Cluster: which one a hash tag belongs to, and who has them (Redis Cluster Specification, "Key
 * distribution model"; `CLUSTER SLOTS`, `CLUSTER INFO`).
 */

const slotCount = 16_384;

/** CRC16, XMODEM: what one byte makes of a register of zeros. */
const table = Uint16Array.from({ length: 256 }, (_, byte) => {
  let register = byte << 8;
  for (let bit = 0; bit < 8; bit += 1)
    register = register & 0x8000 ? (register << 1) ^ 0x1021 : register << 1;
  return register;
});

/** The slot of a hash tag: of what stands between the braces of a key. */
export function slotOf(tag: string): number {
  let register = 0;
  for (const byte of Buffer.from(tag))
    register = ((register << 8) & 0xffff) ^ (table[(register >> 8) ^ byte] as number);
  return register % slotCount;
}

export interface RedisHost {
  readonly host: string;
  readonly port: number;
}

/** Slots that belong together, and the master that has them. */
export interface SlotRange {
  readonly first: number;
  readonly last: number;
  readonly master: RedisHost;
}

/** A Cluster as one of its servers sees it. */
export interface ClusterView {
  readonly slots: readonly SlotRange[];
  /** All servers that it names, masters and replicas. */
  readonly hosts: readonly RedisHost[];
  /** Grows whenever somebody takes over from somebody else. */
  readonly epoch: number;
  /**
   * False while it has lost sight of a master, and the majority has not agreed that this one has failed. On the smaller side of
   * a split that stays so.
   */
  readonly decided: boolean;
}

/**
 * What a server replied to `CLUSTER SLOTS` and `CLUSTER INFO`. A server whose address it does not say is the one that was asked.
 */
export function readClusterView(slots: unknown, info: string, asked: RedisHost): ClusterView {
  const ranges: SlotRange[] = [];
  const hosts: RedisHost[] = [];
  for (const range of listIn(slots)) {
    const [first, last, ...servers] = listIn(range);
    const [master, ...replicas] = servers.map((server) => hostIn(server, asked));
    if (master === undefined || master === null) continue;
    ranges.push({ first: Number(first), last: Number(last), master });
    for (const host of [master, ...replicas]) if (host !== null) hosts.push(host);
  }
  return {
    slots: ranges,
    hosts,
    epoch: numberIn(info, 'cluster_current_epoch'),
    decided: numberIn(info, 'cluster_slots_pfail') === 0,
  };
}

function listIn(reply: unknown): unknown[] {
  return Array.isArray(reply) ? reply : [];
}

/** Null for a server of which nobody knows where it is. */
function hostIn(server: unknown, asked: RedisHost): RedisHost | null {
  const [host, port] = listIn(server);
  if (host === '?' || !(Number(port) > 0)) return null;
  return { host: host === null || host === '' ? asked.host : String(host), port: Number(port) };
}

function numberIn(info: string, name: string): number {
  return Number(new RegExp(`^${name}:(\\d+)`, 'm').exec(info)?.[1] ?? Number.NaN);
}
