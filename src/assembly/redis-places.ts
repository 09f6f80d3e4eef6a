/**
 * From the settings to where the shards of the cluster are.
 */
import { readFileSync } from 'node:fs';
import type { QuietLog } from '../bridge/quiet-log.ts';
import { redisAt } from '../bridge/redis-broker.ts';
import { RedisCluster } from '../bridge/redis-cluster.ts';
import { fixedPlacement, type Placement } from '../bridge/redis-place.ts';
import { systemClock } from '../clock.ts';
import { parseRedisTarget, type RedisTarget } from '../config/redis-url.ts';
import type { Settings } from '../config/settings.ts';
import { UserError } from '../errors.ts';

/**
 * @param name shown to whoever looks at connections that ask a Redis Cluster where its slots are
 * @throws UserError
 */
export function placementOf(settings: Settings, name: string, log: QuietLog): Placement {
  const { redisPrefix: prefix, redisShards: shards } = settings;
  const target = targetOf(settings);
  const dial = dialOf(settings);
  if (target.kind === 'cluster')
    return new RedisCluster({
      ...{ seeds: target.seeds, dial, prefix, shards, name, log },
      clock: systemClock,
      random: Math.random,
    });
  if (target.servers.length > shards)
    throw new UserError(
      `redisUrl names ${target.servers.length} servers for ${shards} shards: raise redisShards`,
    );
  const servers = target.servers.map((address) => redisAt({ ...dial, address }));
  return fixedPlacement(servers, prefix, shards);
}

/** @throws UserError */
export function targetOf({ redisUrl }: Pick<Settings, 'redisUrl'>): RedisTarget {
  const target = parseRedisTarget(redisUrl ?? '');
  if (target === null) throw new UserError('redisUrl is not the address of a Redis');
  return target;
}

/**
 * What all connections have in common.
 *
 * @throws UserError when there is no such certificate
 */
export function dialOf({ redisCaFile, redisCommandTimeoutMs }: Settings) {
  return {
    ca: redisCaFile === null ? null : readCertificate(redisCaFile),
    commandTimeoutMs: redisCommandTimeoutMs,
  };
}

function readCertificate(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw new UserError(`redisCaFile: ${file} cannot be read: ${(error as Error).message}`);
  }
}
