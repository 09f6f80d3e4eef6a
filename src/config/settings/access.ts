/** Who may connect, and who may subscribe and publish where. */
import {
  type NamespacesSetting,
  namespaceFaults,
  namespacesAllowed,
  namespacesSchema,
  profiles,
} from '../namespaces.ts';
import { choice, list, type Setting, structure } from '../setting.ts';

export const accessSettings = {
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
} as const satisfies Record<string, Setting>;

/** True for an origin in the form of RFC 6454, section 6.2: what a browser puts into the Origin header. */
function isOrigin(candidate: string): boolean {
  if (candidate === 'null') return true;
  // A URL may hold a star; no browser sends one, and a pattern that matches nothing should not look like one that does.
  return !candidate.includes('*') && URL.canParse(candidate) && new URL(candidate).origin === candidate;
}
