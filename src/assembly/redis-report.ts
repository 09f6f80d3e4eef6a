/**
 * What `outcry check` says of the Redis that the settings name: each server of it is asked, and nothing is changed.
 */
import { QuietLog } from '../bridge/quiet-log.ts';
import { RedisCluster } from '../bridge/redis-cluster.ts';
import { type RedisFacts, visit } from '../bridge/redis-connection.ts';
import type { RedisPlace } from '../bridge/redis-place.ts';
import { systemClock } from '../clock.ts';
import { resolveNamespaces } from '../config/namespaces.ts';
import { parseRedisUrl, type RedisAddress, type RedisTarget } from '../config/redis-url.ts';
import type { Settings } from '../config/settings.ts';
import { dialOf, placementOf, targetOf } from './redis-places.ts';

/** Shown in `CLIENT LIST`. */
const connectionName = 'outcry-check';
const silent = new QuietLog({ debug() {}, info() {}, warn() {}, error() {} }, systemClock);

/**
 * A line for each server, and warnings, each with what to do; none if the settings name no Redis.
 *
 * @throws UserError when the settings do not fit each other
 */
export async function redisReport(settings: Settings): Promise<string[]> {
  if (settings.redisUrl === null) return [];
  const target = targetOf(settings);
  const places = await placesNow(settings);
  if (typeof places === 'string')
    return [`warning: the Redis Cluster does not tell where its slots are: ${places}`];
  const reports = await Promise.all(
    places.map(async (place, index) => {
      const address = addressOf(target, place, index);
      const about = `redis ${place.name}: `;
      try {
        const facts = await visit(
          { ...dialOf(settings), address, name: connectionName, inCluster: target.kind === 'cluster' },
          (connection) => connection.facts(place.layoutKey),
        );
        const line = `${about}version ${facts.version}, ${facts.role}, ${facts.replicas} replicas, ${facts.eviction}, ${place.shards.length} of ${settings.redisShards} shards`;
        return [
          line,
          ...advise(facts, place, target, settings).map((advice) => `warning: ${about}${advice}`),
        ];
      } catch (error) {
        return [`warning: ${about}${(error as Error).message}`];
      }
    }),
  );
  return reports.flat();
}

/** Where everything is, or why nobody tells. */
async function placesNow(settings: Settings): Promise<readonly RedisPlace[] | string> {
  const placement = placementOf(settings, connectionName, silent);
  if (placement instanceof RedisCluster) {
    try {
      return await placement.find();
    } catch (error) {
      return (error as Error).message;
    }
  }
  let places: readonly RedisPlace[] = [];
  placement.start((fixed) => {
    places = fixed;
  });
  return places;
}

function addressOf(target: RedisTarget, place: RedisPlace, index: number): RedisAddress {
  if (target.kind === 'servers') return target.servers[index] as RedisAddress;
  const { hosts } = parseRedisUrl(`redis://${place.name}`) as RedisAddress;
  return { ...(target.seeds[0] as RedisAddress), hosts };
}

function advise(facts: RedisFacts, place: RedisPlace, target: RedisTarget, settings: Settings): string[] {
  const advice: string[] = [];
  const keepsAny = [...resolveNamespaces(settings).values()].some(
    ({ historySize, latest }) => historySize > 0 || latest > 0,
  );
  if (facts.role !== 'master')
    advice.push(`this is a ${facts.role}, which takes no publications: name the master, or its sentinels`);
  if (facts.layout !== null && facts.layout !== place.layout)
    advice.push(
      `the nodes under this prefix have "${facts.layout}", this one would have "${place.layout}" and never be ready: use their redisShards and their list of servers in its order, or another redisPrefix`,
    );
  if (keepsAny && facts.eviction !== 'noeviction')
    advice.push(
      `maxmemory-policy is ${facts.eviction}, so that histories may be evicted: set it to noeviction`,
    );
  if (keepsAny && isOlder(facts.version, [6, 2])) advice.push('histories need Redis 6.2 or newer');
  if (target.kind === 'cluster') {
    if (isOlder(facts.version, [7, 0])) advice.push('sharded pub/sub needs Redis 7.0 or newer');
    if (facts.replicas === 0)
      advice.push('this master has no replica: if it fails, nobody takes over from it');
    if (facts.needsAllSlots && keepsAny)
      advice.push(
        'while one master is missing, all of them refuse what histories need: set cluster-require-full-coverage to no',
      );
  }
  return advice;
}

function isOlder(version: string, [major, minor]: readonly [number, number]): boolean {
  const [is = 0, isMinor = 0] = version.split('.').map(Number);
  return is < major || (is === major && isMinor < minor);
}
