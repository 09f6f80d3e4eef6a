/**
 * Every setting of a node, once. The command line, the environment, the start-up file, `outcry check`, `--help` and
 * `docs/configuration.md` are all read from this table.
 *
 * The key is the name in `outcry.config.json`; flag and environment variable follow from it (`maxPayloadBytes`,
 * `--max-payload-bytes`, `OUTCRY_MAX_PAYLOAD_BYTES`).
 */
import { logFormats, logLevels } from '../logger.ts';
import {
  type NamespacesSetting,
  namespaceFaults,
  namespacesAllowed,
  namespacesSchema,
  profiles,
} from './namespaces.ts';
import { parseRedisTarget } from './redis-url.ts';
import {
  choice,
  integer,
  integerOr,
  integerOrAuto,
  list,
  optionalText,
  type Setting,
  structure,
  text,
} from './setting.ts';

export const settingsTable = {
  runtime: choice({
    words: ['bun', 'node'],
    default: 'bun',
    sentence:
      'Runtime that the launcher starts the node on; `node` needs the package uWebSockets.js (see the README).',
  }),
  host: text({
    default: '0.0.0.0',
    max: 255,
    sentence: 'Address of the public listener: WebSockets, the demo page and the health routes.',
  }),
  port: integer({
    default: 8080,
    min: 0,
    max: 65_535,
    sentence: 'Port of the public listener; 0 takes any free one and says which in the log.',
  }),
  workers: integerOr({
    word: 'auto',
    default: 1,
    min: 1,
    max: 512,
    unit: 'processes',
    sentence:
      'Processes that share the public port, each a node with its own descriptors and its own `maxConnections`; `auto` is one for each core. More than one are joined by a relay, started again when they die, and have one admin listener. Linux only.',
  }),
  relayMaxBytesWaiting: integer({
    default: 33_554_432,
    min: 1_048_576,
    max: 1_073_741_824,
    unit: 'bytes',
    sentence:
      'Bytes that may wait in the relay for a worker that does not take them; beyond them it is cut off, comes back and tells of a gap.',
  }),
  adminHost: text({
    default: '127.0.0.1',
    max: 255,
    sentence:
      'Address of the admin listener: the API, metrics and the health routes. Off loopback it demands `adminKey`.',
  }),
  adminPort: integer({
    default: 8081,
    min: 0,
    max: 65_535,
    sentence: 'Port of the admin listener; 0 takes any free one and says which in the log.',
  }),
  adminKey: optionalText({
    min: 16,
    max: 256,
    secret: true,
    sentence: 'Key that requests to the admin listener must carry as `Authorization: Bearer KEY`.',
  }),
  maxApiBodyBytes: integer({
    default: 1_048_576,
    min: 1_024,
    max: 67_108_864,
    unit: 'bytes',
    sentence:
      'Longest body of a request to the API, or longest line of a stream of publications; a longer one gets 413 before it is read.',
  }),
  maxApiRequests: integer({
    default: 256,
    min: 1,
    max: 65_536,
    unit: 'requests',
    sentence: 'Requests to the API that may be under way at once; further ones get 429.',
  }),
  nodeId: optionalText({
    max: 64,
    sentence: 'Name of this node in logs and in the hello frame; by default the host name and the port.',
  }),
  origins: list({
    default: [],
    maxItems: 1_000,
    item: isOrigin,
    allowedItem: 'an origin as a browser sends it (`https://example.com`, no path, lower case) or `null`',
    sentence:
      'Origins whose pages may connect, compared exactly; empty allows any. A missing Origin is allowed: it does not come from a browser.',
  }),
  profile: choice({
    words: profiles,
    default: 'open',
    sentence:
      'What the namespace `default` permits unless `namespaces` says otherwise: in `open` anyone subscribes and publishes, in `feed` anyone subscribes and only the API publishes.',
  }),
  namespaces: structure<NamespacesSetting>({
    default: new Map(),
    schema: namespacesSchema,
    allowed: namespacesAllowed,
    faults: namespaceFaults,
    sentence:
      'Who may `subscribe` and `publish` (`anyone`, `api`, `nobody`) in the channels of a namespace, and their largest payload. `prices:EUR` belongs to `prices`, every other channel to `default`; what a namespace leaves out is as in `default`.',
  }),
  maxConnections: integerOrAuto({
    min: 1,
    max: 10_000_000,
    unit: 'connections',
    sentence:
      'WebSockets that this node holds at most; further ones get 503. By default the descriptor limit less a reserve.',
  }),
  maxHandshakesPerSecond: integer({
    default: 5_000,
    min: 1,
    max: 1_000_000,
    unit: 'handshakes',
    sentence:
      'WebSockets that this node takes in a second, and at once after a quiet second, so that who is connected does not suffer from a herd of newcomers; the others are told when to come back, with 1013 or 503.',
  }),
  memoryLimitBytes: integerOrAuto({
    min: 1_048_576,
    max: 1_099_511_627_776,
    unit: 'bytes',
    sentence:
      'Resident memory from which on this process sheds load: newcomers are refused from 80 % of it, histories are not read for those who join from 90 %, those who are furthest behind are terminated from 100 %. By default 80 % of what the machine or the container has, divided by the workers.',
  }),
  maxPayloadBytes: integer({
    default: 65_536,
    min: 1,
    max: 16_777_216,
    unit: 'bytes',
    sentence: 'Largest message that a client may send; a larger one closes the connection with 1009.',
  }),
  backpressureLimitBytes: integer({
    default: 1_048_576,
    min: 65_536,
    max: 268_435_456,
    unit: 'bytes',
    sentence:
      'Bytes that may wait for one slow client. It is cut off before it exceeds them, from seven eighths on: it gets nothing more, and is closed with 4001 if it takes what waits within a second, else terminated.',
  }),
  slowConsumerTimeoutMs: integer({
    default: 10_000,
    min: 500,
    max: 600_000,
    unit: 'ms',
    sentence:
      'A client for which bytes wait this long without ever becoming fewer is terminated, however few they are.',
  }),
  maxDelayMs: integer({
    default: 20,
    min: 0,
    max: 10_000,
    unit: 'ms',
    sentence:
      'How long a publication may wait for others on a busy node, so that they share their system calls; on an idle node none waits. 0 never waits.',
  }),
  rawGapSpreadMs: integer({
    default: 3_000,
    min: 0,
    max: 600_000,
    unit: 'ms',
    sentence:
      'Raw members that are closed because publications may be missing (`rawGap` of their namespace) are closed one by one over this long.',
  }),
  idleTimeoutMs: integer({
    default: 40_000,
    min: 300,
    max: 3_600_000,
    unit: 'ms',
    sentence:
      'A connection from which nothing arrives for this long, answers to our pings included, is terminated. An idle one is pinged every two thirds of it.',
  }),
  maxControlFrames: integer({
    default: 100,
    min: 1,
    max: 1_000_000,
    unit: 'frames',
    sentence:
      'Pings and pongs that a connection may send within a third of `idleTimeoutMs`; more close it with 1008.',
  }),
  connectTimeoutMs: integer({
    default: 10_000,
    min: 100,
    max: 600_000,
    unit: 'ms',
    sentence: 'A native client that does not say connect for this long is closed with 4501.',
  }),
  maxSubscriptions: integer({
    default: 1_000,
    min: 1,
    max: 1_000_000,
    unit: 'channels',
    sentence: 'Channels that one native connection may have joined; more are refused with error 107.',
  }),
  maxSubscriptionChangesPerSecond: integer({
    default: 5_000,
    min: 1,
    max: 10_000_000,
    unit: 'channels',
    sentence: 'Channels that one native connection may join and leave in a second; more get error 202.',
  }),
  maxUrlBytes: integer({
    default: 4_096,
    min: 256,
    max: 16_384,
    unit: 'bytes',
    sentence: 'Longest path and query of a request; a longer one gets 414.',
  }),
  maxHeaderBytes: integer({
    default: 8_192,
    min: 1_024,
    max: 16_384,
    unit: 'bytes',
    sentence: 'Names and values of all headers of a request together; more get 431.',
  }),
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
  bridgeMaxDelayMs: integer({
    default: 2,
    min: 0,
    max: 1_000,
    unit: 'ms',
    sentence:
      'How long publications for other nodes are gathered while a shard is busy; a quiet shard sends at once.',
  }),
  bridgeMaxFrameBytes: integer({
    default: 65_536,
    min: 1_024,
    max: 1_048_576,
    unit: 'bytes',
    sentence: 'A frame to the other nodes is sent at the latest when it has this size.',
  }),
  bridgeMaxFramePublications: integer({
    default: 1_024,
    min: 1,
    max: 65_536,
    unit: 'publications',
    sentence: 'A frame to the other nodes is sent at the latest when it holds this many.',
  }),
  idempotencyWindowMs: integer({
    default: 300_000,
    min: 1_000,
    max: 86_400_000,
    unit: 'ms',
    sentence:
      'How long a node remembers the idempotency keys of publications in channels without history. The SDK repeats for up to 240,000 ms; a history always remembers for 300,000.',
  }),
  idempotencyMaxKeys: integer({
    default: 100_000,
    min: 1,
    max: 10_000_000,
    unit: 'keys',
    sentence:
      'Such keys that a node remembers, some 200 bytes each; beyond it the oldest are forgotten before their time, which is counted.',
  }),
  historyMaxBytes: integer({
    default: 268_435_456,
    min: 1_048_576,
    max: 68_719_476_736,
    unit: 'bytes',
    sentence:
      'Payloads that a node without Redis keeps of all channels with history together; beyond it the channels that were quiet longest lose their oldest ones.',
  }),
  historyMaxChannels: integer({
    default: 100_000,
    min: 1,
    max: 10_000_000,
    unit: 'channels',
    sentence:
      'Channels with history that a node without Redis remembers; beyond it the one that was untouched longest is forgotten.',
  }),
  tailMaxBytes: integer({
    default: 262_144,
    min: 4_096,
    max: 67_108_864,
    unit: 'bytes',
    sentence:
      'Latest publications of a channel with history that a node keeps at hand, so that those who come back need not be looked up.',
  }),
  tailMaxBytesTogether: integer({
    default: 67_108_864,
    min: 1_048_576,
    max: 17_179_869_184,
    unit: 'bytes',
    sentence: 'The same for all channels together.',
  }),
  recoveryMaxPublications: integer({
    default: 10_000,
    min: 1,
    max: 100_000,
    unit: 'publications',
    sentence:
      'Publications that a client gets at most when it comes back; whoever has missed more is told `too_much`.',
  }),
  recoveryMaxBytes: integer({
    default: 1_572_864,
    min: 1_024,
    max: 134_217_728,
    unit: 'bytes',
    sentence:
      'The same in bytes, for all channels of one subscribe together with what waits for the client. They may wait beside `backpressureLimitBytes`, and should be more: what waited for a client that was terminated is what it misses.',
  }),
  maxRecoveries: integer({
    default: 64,
    min: 1,
    max: 10_000,
    unit: 'channels',
    sentence: 'Recoveries of one channel each that read the history at the same time.',
  }),
  maxRecoveriesWaiting: integer({
    default: 20_000,
    min: 0,
    max: 10_000_000,
    unit: 'channels',
    sentence: 'Recoveries that wait for their turn; further ones are told `unavailable`.',
  }),
  recoveryTimeoutMs: integer({
    default: 5_000,
    min: 100,
    max: 60_000,
    unit: 'ms',
    sentence: 'A recovery that has to wait or read for longer is told `unavailable`.',
  }),
  drainDelayMs: integer({
    default: 0,
    min: 0,
    max: 600_000,
    unit: 'ms',
    sentence:
      'After SIGTERM, the node is not ready for this long before it closes the first client, and goes on taking new ones, so that load balancers see it in time; longer than two of their checks.',
  }),
  drainWindowMs: integer({
    default: 0,
    min: 0,
    max: 3_600_000,
    unit: 'ms',
    sentence:
      'After SIGTERM, clients are closed one by one, in random order, over this long; 0, and SIGINT (Ctrl-C), close all at once. Set it where nodes are replaced one after the other.',
  }),
  shutdownTimeoutMs: integer({
    default: 4_000,
    min: 0,
    max: 600_000,
    unit: 'ms',
    sentence:
      'After SIGTERM, and after `drainDelayMs` and `drainWindowMs`, clients have this long to take what still waits for them; then they are terminated and the node exits.',
  }),
  logLevel: choice({
    words: logLevels,
    default: 'info',
    sentence: 'Least severe line that is logged.',
  }),
  logFormat: choice({
    words: logFormats,
    default: 'auto',
    sentence: 'JSON lines, or a readable form; `auto` is readable on a terminal.',
  }),
} as const satisfies Record<string, Setting>;

export type SettingKey = keyof typeof settingsTable;

type ValueOf<Row> = Row extends Setting<infer Value> ? Value : never;

/** The effective value of every setting. */
export type Settings = { readonly [Key in SettingKey]: ValueOf<(typeof settingsTable)[Key]> };

/** The keys in the order of the table. */
export const settingKeys = Object.keys(settingsTable) as SettingKey[];

/** `maxPayloadBytes` → `--max-payload-bytes`; the setting that everybody types has a short one. */
export function flagOf(key: SettingKey): string {
  if (key === 'redisUrl') return '--redis';
  return `--${words(key).join('-')}`;
}

/** `maxPayloadBytes` → `OUTCRY_MAX_PAYLOAD_BYTES` */
export function environmentVariableOf(key: SettingKey): string {
  return `OUTCRY_${words(key).join('_').toUpperCase()}`;
}

function words(key: SettingKey): string[] {
  return key.split(/(?=[A-Z])/).map((word) => word.toLowerCase());
}

/** True for an origin in the form of RFC 6454, section 6.2: what a browser puts into the Origin header. */
function isOrigin(candidate: string): boolean {
  if (candidate === 'null') return true;
  // A URL may hold a star; no browser sends one, and a pattern that matches nothing should not look like one that does.
  return !candidate.includes('*') && URL.canParse(candidate) && new URL(candidate).origin === candidate;
}
