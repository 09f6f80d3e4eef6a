/**
 * Namespaces: what is permitted in which channels, and what is kept of them.
 *
 * A channel belongs to the namespace before its first colon (`prices:EUR` to `prices`), all others to `default`. Names come
 * from whoever writes the settings and are looked up with names that clients send, so they are keys of a Map and never of
 * an object.
 */
import { z } from 'zod';

/** - `anyone`: clients and the API; `api`: only the API of the admin listener; `nobody`: not even that. */
export const permissions = ['anyone', 'api', 'nobody'] as const;
export type Permission = (typeof permissions)[number];

/** The namespace of every channel that belongs to no other. */
export const defaultNamespace = 'default';

/** The namespace in which nodes speak to each other; nobody may set it, and no client is in it. */
export const systemNamespace = '$outcry';

/** What becomes of the raw members of a channel in which publications may be missing. */
export const rawGaps = ['none', 'close'] as const;
export type RawGap = (typeof rawGaps)[number];

export const profiles = ['open', 'feed'] as const;
export type Profile = (typeof profiles)[number];

/** What holds in the channels of one namespace. */
export interface Namespace {
  readonly subscribe: Permission;
  readonly publish: Permission;
  readonly maxPayloadBytes: number;
  /** How long a publication may wait on a node for others, in milliseconds; 0 never waits. */
  readonly maxDelayMs: number;
  /** What is broadcast here goes compressed to clients that agreed on it; costs CPU per subscriber. */
  readonly compress: boolean;
  /** Publications that are kept of each channel for those who come late or come back; 0 keeps none. */
  readonly historySize: number;
  /** A channel's history is forgotten this long after its last publication. */
  readonly historyTtlMs: number;
  /** - `close`: raw members are closed when publications may be missing; `none`: they are not told. */
  readonly rawGap: RawGap;
  /** Keys of each channel whose newest value is kept; 0 keeps none. */
  readonly latest: number;
  /** Of these keys and values of a channel together. */
  readonly latestMaxBytes: number;
}

/** What the settings say of one namespace; the rest is as in `default`. */
export type NamespaceSettings = { readonly [Key in keyof Namespace]?: Namespace[Key] | undefined };

/** By name, in the order of the settings. */
export type NamespacesSetting = ReadonlyMap<string, NamespaceSettings>;

/** More than anybody writes by hand, and few enough for one look at all of them. */
const maxNamespaces = 1_000;
const maxNameLength = 64;
/** As for the settings of the same names. */
const maxMaxPayloadBytes = 16_777_216;
const maxMaxDelayMs = 10_000;
/** Whoever has missed more than this is better served by a snapshot from where the publications come from. */
const maxHistorySize = 10_000;
const minHistoryTtlMs = 1_000;
/** A week. */
const maxHistoryTtlMs = 604_800_000;
/** Longer than a restart of a node or a tunnel takes, and shorter than anybody waits for what was said. */
const defaultHistoryTtlMs = 300_000;
/** A snapshot goes out at once: more is the business of a database. */
const maxLatest = 100_000;
const maxLatestMaxBytes = 67_108_864;
const defaultLatestMaxBytes = 4_194_304;

/** One key of a namespace: its rule, and the words for it. */
export interface NamespaceKey {
  readonly schema: z.ZodType;
  readonly allowed: string;
  /** What holds where neither the namespace nor `default` says anything. */
  readonly otherwise: string;
  /** What it does, in one sentence. */
  readonly sentence: string;
}

const permission = { schema: z.enum(permissions), allowed: `one of ${permissions.join(', ')}` };

/** Every key of a namespace. */
export const namespaceKeys = {
  subscribe: { ...permission, otherwise: '`anyone`', sentence: 'Who may subscribe.' },
  publish: { ...permission, otherwise: 'as `profile` says', sentence: 'Who may publish.' },
  maxPayloadBytes: {
    ...wholeNumber(1, maxMaxPayloadBytes),
    otherwise: "the node's `maxPayloadBytes`",
    sentence: "The largest payload of a publication, never more than the node's.",
  },
  maxDelayMs: {
    ...wholeNumber(0, maxMaxDelayMs),
    otherwise: "the node's `maxDelayMs`",
    sentence: 'How long a publication may wait on a busy node for others.',
  },
  compress: {
    schema: z.boolean(),
    allowed: 'true or false',
    otherwise: '`false`',
    sentence:
      'Whether publications go compressed to clients that agree on permessage-deflate. Costs CPU for each subscriber.',
  },
  historySize: {
    ...wholeNumber(0, maxHistorySize),
    otherwise: '`0`',
    sentence:
      'How many publications of each channel are kept for those who come late or come back; 0 keeps none. The same on all nodes of a cluster.',
  },
  historyTtlMs: {
    ...wholeNumber(minHistoryTtlMs, maxHistoryTtlMs),
    otherwise: `\`${defaultHistoryTtlMs}\``,
    sentence: "How long after its last publication a channel's history is forgotten.",
  },
  rawGap: {
    schema: z.enum(rawGaps),
    allowed: `one of ${rawGaps.join(', ')}`,
    otherwise: '`none`',
    sentence:
      'What becomes of raw members when publications of other nodes may be missing: with `close` they are closed with 4003, to come back; with `none` they are not told.',
  },
  latest: {
    ...wholeNumber(0, maxLatest),
    otherwise: '`0`',
    sentence:
      'Of how many keys of each channel the newest value is kept: publications may have a `key`, and whoever subscribes gets these values first. 0 keeps none, and no publication may have a key. The same on all nodes of a cluster.',
  },
  latestMaxBytes: {
    ...wholeNumber(1, maxLatestMaxBytes),
    otherwise: `\`${defaultLatestMaxBytes}\``,
    sentence:
      'The same in bytes of keys and payloads together, with 20 more for each key; never more than half of `backpressureLimitBytes`, since they go to a client at once.',
  },
} as const satisfies Record<keyof Namespace, NamespaceKey>;

function wholeNumber(min: number, max: number) {
  return { schema: z.int().min(min).max(max), allowed: `a whole number from ${min} to ${max}` };
}

const nameAllowed = `1 to ${maxNameLength} printable characters without a colon, and not ${systemNamespace}`;

const namespaceSchema = z.strictObject({
  subscribe: namespaceKeys.subscribe.schema.optional(),
  publish: namespaceKeys.publish.schema.optional(),
  maxPayloadBytes: namespaceKeys.maxPayloadBytes.schema.optional(),
  maxDelayMs: namespaceKeys.maxDelayMs.schema.optional(),
  compress: namespaceKeys.compress.schema.optional(),
  historySize: namespaceKeys.historySize.schema.optional(),
  historyTtlMs: namespaceKeys.historyTtlMs.schema.optional(),
  rawGap: namespaceKeys.rawGap.schema.optional(),
  latest: namespaceKeys.latest.schema.optional(),
  latestMaxBytes: namespaceKeys.latestMaxBytes.schema.optional(),
});

/** Takes JSON text, what JSON text became, and its own result. */
export const namespacesSchema: z.ZodType<NamespacesSetting> = z
  .preprocess(
    toMap,
    z.map(
      z
        .string()
        .max(maxNameLength)
        .regex(/^[^\p{Cc}:]+$/u)
        .refine((name) => name !== systemNamespace),
      namespaceSchema,
    ),
  )
  .refine((namespaces) => namespaces.size <= maxNamespaces);

export const namespacesAllowed =
  'a JSON object of namespaces by name, like {"prices": {"subscribe": "anyone", "publish": "api", "maxPayloadBytes": 4096}}';

/** What is wrong with a value, a sentence for each part; none if it is not even an object. */
export function namespaceFaults(issues: readonly z.core.$ZodIssue[]): string[] {
  return issues.flatMap((issue) => {
    const [name, key] = issue.path;
    if (name === undefined)
      return issue.code === 'custom' ? `there may be ${maxNamespaces} namespaces at most` : [];
    const where = `namespace ${JSON.stringify(name)}`;
    if (issue.code === 'unrecognized_keys')
      return issue.keys.map(
        (unknown) =>
          `${where}: there is no ${JSON.stringify(unknown)}, only ${Object.keys(namespaceKeys).join(', ')}`,
      );
    // An issue of the name itself has the same path as one of what stands under it.
    if (key === undefined)
      return issue.code === 'invalid_type'
        ? `${where} must be an object`
        : `a namespace's name must be ${nameAllowed}`;
    return `${where}: ${String(key)} must be ${namespaceKeys[key as keyof Namespace].allowed}`;
  });
}

export interface NamespaceSources {
  readonly profile: Profile;
  readonly namespaces: NamespacesSetting;
  /** The node's, which hold where a namespace says nothing. */
  readonly maxPayloadBytes: number;
  readonly maxDelayMs: number;
  readonly backpressureLimitBytes: number;
}

/**
 * What holds in each namespace, `default` included: the profile is the base of `default`, and `default` of all others.
 */
export function resolveNamespaces({
  profile,
  namespaces,
  maxPayloadBytes,
  maxDelayMs,
  backpressureLimitBytes,
}: NamespaceSources): ReadonlyMap<string, Namespace> {
  const base: Namespace = {
    subscribe: 'anyone',
    publish: profile === 'feed' ? 'api' : 'anyone',
    maxPayloadBytes,
    maxDelayMs,
    compress: false,
    historySize: 0,
    historyTtlMs: defaultHistoryTtlMs,
    rawGap: 'none',
    latest: 0,
    latestMaxBytes: defaultLatestMaxBytes,
  };
  const fallback = overlay(base, namespaces.get(defaultNamespace) ?? {});
  const resolved = new Map([[defaultNamespace, fallback]]);
  for (const [name, settings] of namespaces) resolved.set(name, overlay(fallback, settings));
  const most = Math.floor(backpressureLimitBytes / 2);
  return new Map(
    Array.from(resolved, ([name, each]) => [
      name,
      { ...each, latestMaxBytes: Math.min(each.latestMaxBytes, most) },
    ]),
  );
}

function overlay(base: Namespace, own: NamespaceSettings): Namespace {
  return {
    subscribe: own.subscribe ?? base.subscribe,
    publish: own.publish ?? base.publish,
    maxPayloadBytes: own.maxPayloadBytes ?? base.maxPayloadBytes,
    maxDelayMs: own.maxDelayMs ?? base.maxDelayMs,
    compress: own.compress ?? base.compress,
    historySize: own.historySize ?? base.historySize,
    historyTtlMs: own.historyTtlMs ?? base.historyTtlMs,
    rawGap: own.rawGap ?? base.rawGap,
    latest: own.latest ?? base.latest,
    latestMaxBytes: own.latestMaxBytes ?? base.latestMaxBytes,
  };
}

/** An object becomes a Map of what stands in it, `__proto__` and `constructor` like any other name. */
function toMap(raw: unknown): unknown {
  const value = typeof raw === 'string' ? parseJson(raw) : raw;
  const isPlain =
    typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Map);
  return isPlain ? new Map(Object.entries(value)) : value;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
