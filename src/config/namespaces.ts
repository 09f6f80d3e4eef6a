/**
 * Namespaces: what is permitted in which channels.
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

export const profiles = ['open', 'feed'] as const;
export type Profile = (typeof profiles)[number];

/** What holds in the channels of one namespace. */
export interface Namespace {
  readonly subscribe: Permission;
  readonly publish: Permission;
  readonly maxPayloadBytes: number;
  /** How long a publication may wait on a node for others, in milliseconds; 0 never waits. */
  readonly maxDelayMs: number;
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

/** Every key of a namespace: its rule, and the words for it. */
const keys = {
  subscribe: { schema: z.enum(permissions), allowed: `one of ${permissions.join(', ')}` },
  publish: { schema: z.enum(permissions), allowed: `one of ${permissions.join(', ')}` },
  maxPayloadBytes: {
    schema: z.int().min(1).max(maxMaxPayloadBytes),
    allowed: `a whole number from 1 to ${maxMaxPayloadBytes}`,
  },
  maxDelayMs: {
    schema: z.int().min(0).max(maxMaxDelayMs),
    allowed: `a whole number from 0 to ${maxMaxDelayMs}`,
  },
} as const satisfies Record<keyof Namespace, { schema: z.ZodType; allowed: string }>;

const nameAllowed = `1 to ${maxNameLength} printable characters without a colon`;

const namespaceSchema = z.strictObject({
  subscribe: keys.subscribe.schema.optional(),
  publish: keys.publish.schema.optional(),
  maxPayloadBytes: keys.maxPayloadBytes.schema.optional(),
  maxDelayMs: keys.maxDelayMs.schema.optional(),
});

/** Takes JSON text, what JSON text became, and its own result. */
export const namespacesSchema: z.ZodType<NamespacesSetting> = z
  .preprocess(
    toMap,
    z.map(
      z
        .string()
        .max(maxNameLength)
        .regex(/^[^\p{Cc}:]+$/u),
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
        (unknown) => `${where}: there is no ${JSON.stringify(unknown)}, only ${Object.keys(keys).join(', ')}`,
      );
    // An issue of the name itself has the same path as one of what stands under it.
    if (key === undefined)
      return issue.code === 'invalid_type'
        ? `${where} must be an object`
        : `a namespace's name must be ${nameAllowed}`;
    return `${where}: ${String(key)} must be ${keys[key as keyof Namespace].allowed}`;
  });
}

export interface NamespaceSources {
  readonly profile: Profile;
  readonly namespaces: NamespacesSetting;
  /** The node's, which hold where a namespace says nothing. */
  readonly maxPayloadBytes: number;
  readonly maxDelayMs: number;
}

/**
 * What holds in each namespace, `default` included: the profile is the base of `default`, and `default` of all others.
 */
export function resolveNamespaces({
  profile,
  namespaces,
  maxPayloadBytes,
  maxDelayMs,
}: NamespaceSources): ReadonlyMap<string, Namespace> {
  const base: Namespace = {
    subscribe: 'anyone',
    publish: profile === 'feed' ? 'api' : 'anyone',
    maxPayloadBytes,
    maxDelayMs,
  };
  const fallback = overlay(base, namespaces.get(defaultNamespace) ?? {});
  const resolved = new Map([[defaultNamespace, fallback]]);
  for (const [name, settings] of namespaces) resolved.set(name, overlay(fallback, settings));
  return resolved;
}

function overlay(base: Namespace, own: NamespaceSettings): Namespace {
  return {
    subscribe: own.subscribe ?? base.subscribe,
    publish: own.publish ?? base.publish,
    maxPayloadBytes: own.maxPayloadBytes ?? base.maxPayloadBytes,
    maxDelayMs: own.maxDelayMs ?? base.maxDelayMs,
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
