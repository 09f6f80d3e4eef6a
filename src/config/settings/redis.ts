/** The Redis that joins the nodes: where it is, what is named there, and when it counts as gone. */
import { parseRedisTarget } from '../redis-url.ts';
import { integer, optionalText, type Setting, text } from '../setting.ts';

export const redisSettings = {
  redisUrl: optionalText({
    max: 4_096,
    secret: true,
    valid: (urls) => parseRedisTarget(urls) !== null,
    allowed:
      'redis://[user:password@]host[:port][/database], rediss:// for TLS, redis+sentinel://host[:port],host…/master-name, several different ones of these with commas between them, or redis+cluster://host[:port],host…',
    sentence:
      'Redis that joins this node to the others; without it the node is alone. Over several servers the channels are spread; the list and its order must be the same on all nodes.',
  }),
  redisCaFile: optionalText({
    max: 1_024,
    sentence:
      'File with the PEM certificate of the authority that signed that of Redis; by default those of the system.',
  }),
  redisPrefix: text({
    default: 'outcry',
    max: 64,
    valid: (prefix) => /^[\w.:-]+$/.test(prefix),
    allowed: '1 to 64 letters, digits and any of _ . : -',
    sentence: 'First part of the names of all Redis channels and keys; other prefixes are other clusters.',
  }),
  redisShards: integer({
    default: 64,
    min: 1,
    max: 4_096,
    unit: 'shards',
    sentence: 'Redis channels onto which the channels are spread; the same on all nodes of a cluster.',
  }),
  redisCommandTimeoutMs: integer({
    default: 2_000,
    min: 100,
    max: 5_000,
    unit: 'ms',
    sentence: 'A Redis command without an answer for this long has failed.',
  }),
  redisMaxBytesInFlight: integer({
    default: 16_777_216,
    min: 65_536,
    max: 1_073_741_824,
    unit: 'bytes',
    sentence:
      'Bytes for which Redis may owe an answer; beyond them publications are dropped and the connection is renewed.',
  }),
} as const satisfies Record<string, Setting>;
