/**
 * Where Redis is, from the one setting that says so.
 *
 *     redis://[user:password@]host[:6379][/database]
 *     redis+sentinel://[user:password@]host[:26379],host…/master-name[/database]
 *     redis+cluster://[user:password@]host[:6379],host…
 *
 * `rediss` instead of `redis` speaks TLS, with Sentinel to the sentinels as well. User and password are percent-encoded;
 * with Sentinel they are those of the Redis servers and of the sentinels, with Cluster those of all its servers, of which
 * the URL names some. Several URLs of the first two forms, with commas between them, are as many servers that know nothing of
 * each other.
 */

export interface RedisAddress {
  /** One Redis server, or all sentinels. */
  hosts: readonly { host: string; port: number }[];
  /** Name of the master that the sentinels know; null for a plain server. */
  sentinelMaster: string | null;
  username: string | null;
  password: string | null;
  database: number;
  tls: boolean;
}

const form =
  /^redis(?<tls>s?)(?<sentinel>\+sentinel)?:\/\/(?:(?<user>[^@/]*)@)?(?<hosts>[^@/?#\s]+)(?:\/(?<path>[^@?#\s]*))?$/;
const clusterForm = /^redis(?<tls>s?)\+cluster:\/\/(?:(?<user>[^@/]*)@)?(?<hosts>[^@/?#\s]+)\/?$/;
/** Sentinels have commas between their hosts, too. */
const betweenUrls = /,(?=rediss?(?:\+\w+)?:\/\/)/;

/**
 * - `servers`: independent ones, in their order, or one alone.
 * - `cluster`: servers of one Redis Cluster, each as an address of its own.
 */
export type RedisTarget =
  | { readonly kind: 'servers'; readonly servers: readonly RedisAddress[] }
  | { readonly kind: 'cluster'; readonly seeds: readonly RedisAddress[] };

/** Null for anything else than what the setting may be. */
export function parseRedisTarget(text: string): RedisTarget | null {
  const seeds = parseCluster(text);
  if (seeds !== null) return { kind: 'cluster', seeds };
  const servers = text.split(betweenUrls).map(parseRedisUrl);
  if (!servers.every((server) => server !== null)) return null;
  // One server for two parts would be an oversight: it has the load of both.
  const names = new Set(servers.map((server) => redisNames(server).join()));
  return names.size === servers.length ? { kind: 'servers', servers } : null;
}

/** Its hosts and ports, and with Sentinel the name of the master: for the log, without a password. */
export function redisNames({ hosts, sentinelMaster }: RedisAddress): string[] {
  const names = hosts.map(({ host, port }) => `${host.includes(':') ? `[${host}]` : host}:${port}`);
  return sentinelMaster === null ? names : [`${sentinelMaster} of ${names.join()}`];
}

/** Null for anything that has not one of the first two forms. */
export function parseRedisUrl(url: string): RedisAddress | null {
  const parts = form.exec(url)?.groups;
  if (parts === undefined) return null;
  const sentinel = parts.sentinel !== undefined;
  const hosts = (parts.hosts ?? '').split(',').map((host) => parseHost(host, sentinel ? 26_379 : 6_379));
  const segments = (parts.path ?? '').split('/').filter((segment) => segment !== '');
  const sentinelMaster = sentinel ? (segments.shift() ?? null) : null;
  const database = segments.shift() ?? '0';
  const [username, password] = parseUser(parts.user);
  if (!hosts.every((host) => host !== null) || segments.length > 0 || !/^\d{1,4}$/.test(database))
    return null;
  if (sentinel ? sentinelMaster === null : hosts.length !== 1) return null;
  if (username === undefined || password === undefined) return null;
  return { hosts, sentinelMaster, username, password, database: Number(database), tls: parts.tls === 's' };
}

function parseCluster(url: string): RedisAddress[] | null {
  const { tls, hosts, user } = clusterForm.exec(url)?.groups ?? {};
  if (hosts === undefined) return null;
  const seeds = hosts.split(',').map((host) => {
    const credentials = user === undefined ? '' : `${user}@`;
    return parseRedisUrl(`redis${tls}://${credentials}${host}`);
  });
  return seeds.every((seed) => seed !== null) ? seeds : null;
}

/** `host`, `host:port`, `[::1]` or `[::1]:port`. */
function parseHost(text: string, defaultPort: number): { host: string; port: number } | null {
  const match = /^(?:\[(?<v6>[0-9a-f:]+)\]|(?<name>[^:[\]]+))(?::(?<port>\d{1,5}))?$/i.exec(text)?.groups;
  const port = Number(match?.port ?? defaultPort);
  const host = match?.v6 ?? match?.name;
  return host === undefined || port < 1 || port > 65_535 ? null : { host, port };
}

/** `user:password`, `:password` or nothing; undefined for what cannot be decoded. */
function parseUser(text: string | undefined): [string | null | undefined, string | null | undefined] {
  if (text === undefined) return [null, null];
  const colon = text.indexOf(':');
  if (colon === -1) return [undefined, undefined];
  try {
    const username = decodeURIComponent(text.slice(0, colon));
    const password = decodeURIComponent(text.slice(colon + 1));
    return [username === '' ? null : username, password === '' ? undefined : password];
  } catch {
    return [undefined, undefined];
  }
}
