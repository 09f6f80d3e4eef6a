/**
 * What the scripts of the history share: how they are named, the keys that they work on, and a few lines of Lua.
 *
 * Everything of a shard lies under one hash tag, so that a script may touch all of it in a cluster of Redis servers too:
 *
 *     <prefix>.v1.<shards>.{n}.generation       who may append: "<identity of the server> <generation>"
 *                            .began            since when, on the clock of the server: "<ms since 1970> <claim>"
 *                            .batch:<boot id>   the last batch of a node, and what became of it
 *                            .top:<channel>     the numbering: "<epoch> <offset of the last> <margin>", and where the latest
 *                                               values are kept " <keys> <bytes>"
 *                            .log:<channel>     what is kept: a stream of entries (protocol/sequenced-frame.ts)
 *                            .latest:<channel>  the newest value of each key: a hash (redis-latest-value.ts)
 *                            .key:<channel>…    an idempotency key: "<epoch> <offset>"
 *                            .history           the pub/sub channel on which frames go to all nodes
 *
 * **Log.** An entry holds a batch, and its id is the offset of its *last* publication: `<offset>-0`. Hence the first entry
 * with an id of at least N holds N, and trimming by id never takes too much. It may leave a little more than is kept: the
 * front of an entry, and what Redis stores together with it. Readers cut that.
 *
 * **Margin.** The numbering outlives the log. How many milliseconds it has left when the log expires is written in it: so
 * a log that is missing has either expired as it should, or was lost, and nobody has to ask for the time at each append.
 *
 * **Epoch.** `<generation>.<epoch of the channel>`. Either part changes when something may be lost: the generation when
 * the server is not the one that was appended to, the other when numbering or log are missing and the other one is not.
 *
 * **Latest values.** The hash lives as long as the numbering, which says how many keys it has: one that has another number, or
 * that is of another epoch, has lost something, and begins anew with another epoch.
 *
 * The scripts need Redis 6.2 or newer, and trust no value that they find: a key of the wrong type is as good as none.
 */
import { createHash } from 'node:crypto';

/** A Lua script, and the name by which a server remembers it. */
export interface RedisScript {
  readonly source: string;
  /** Of the source, in hex. */
  readonly sha1: string;
}

/** Lua that the scripts begin with. */
const prelude = `
local maxOffset = 9007199254740991

local function get(key)
  local value = redis.pcall('GET', key)
  if type(value) == 'string' then return value end
  if value == false then return nil end
  local kind = redis.call('TYPE', key).ok
  -- Refused for another reason than what the key is: that must not pass for a key that is missing.
  if kind == 'string' or kind == 'none' then return redis.call('GET', key) end
  return nil
end

-- Not tostring, which rounds to 14 digits.
local function digits(number) return string.format('%.0f', number) end

-- The epoch, the offset of the last publication, the margin, and keys and bytes of the latest values; nil if the value is no
-- numbering.
local function numberingIn(value)
  if not value then return nil end
  local epoch, top, margin, rest = string.match(value, '^([%w_-]+) (%d+) (%d+)(.*)$')
  top = tonumber(top)
  if not epoch or #epoch > 16 or top > maxOffset then return nil end
  local keys, bytes = string.match(rest, '^ (%d+) (%d+)$')
  if rest ~= '' and not keys then return nil end
  return epoch, top, margin, tonumber(keys or 0), tonumber(bytes or 0)
end

-- What a numbering ends with.
local function latestPart(keys, bytes)
  if keys == 0 then return '' end
  return ' ' .. digits(keys) .. ' ' .. digits(bytes)
end

-- Whether the hash has as many keys as it must have. What is no hash is an error, which is no number.
local function holds(hash, keys) return redis.pcall('HLEN', hash) == keys end

-- Whether a log that is missing has expired.
local function hasExpired(numbering, margin)
  local left = redis.call('PTTL', numbering)
  return left >= 0 and left <= tonumber(margin)
end
`;

export function redisScript(body: string): RedisScript {
  return named(`${prelude}${body}`);
}

/** The same for a Redis Cluster, in which a publication stays within the slot of its channel (Redis 7). */
export function inCluster({ source }: RedisScript): RedisScript {
  return named(source.replaceAll("'PUBLISH'", "'SPUBLISH'"));
}

function named(source: string): RedisScript {
  return { source, sha1: createHash('sha1').update(source).digest('hex') };
}

/** The keys of one shard. */
export class ShardKeys {
  readonly generation: string;
  readonly began: string;
  /** The pub/sub channel. */
  readonly pubsub: string;
  readonly #base: string;

  constructor(prefix: string, shards: number, shard: number) {
    this.#base = `${prefix}.v1.${shards}.{${shard}}`;
    this.generation = `${this.#base}.generation`;
    this.began = `${this.#base}.began`;
    this.pubsub = `${this.#base}.history`;
  }

  batch(bootId: string): string {
    return `${this.#base}.batch:${bootId}`;
  }

  numbering(channel: string): string {
    return `${this.#base}.top:${channel}`;
  }

  log(channel: string): string {
    return `${this.#base}.log:${channel}`;
  }

  latest(channel: string): string {
    return `${this.#base}.latest:${channel}`;
  }

  /** A channel's name has no line break. */
  idempotency(channel: string, key: string): string {
    return `${this.#base}.key:${channel}\n${key}`;
  }
}
