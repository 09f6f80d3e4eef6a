/**
 * The kinds of channels, each of which a scenario is run with: what a node is told to make them, and what is demanded.
 */

export type ChannelKind = 'plain' | 'history';

interface KindRules {
  /** First part of the names of its channels. */
  readonly prefix: string;
  /** What the setting `namespaces` says of them; null if nothing. */
  readonly namespace: { name: string; settings: Record<string, unknown> } | null;
  /** Nothing at all may be missing once everybody is back, where Redis has kept what was published. */
  readonly recovers: boolean;
}

export const channelKinds: Readonly<Record<ChannelKind, KindRules>> = {
  plain: { prefix: 'plain-', namespace: null, recovers: false },
  history: {
    prefix: 'kept:',
    namespace: { name: 'kept', settings: { historySize: 5_000, historyTtlMs: 600_000 } },
    recovers: true,
  },
};

/** Flags of `outcry serve` for a node that has channels of these kinds. */
export function flagsFor(kinds: readonly ChannelKind[]): string[] {
  const namespaces = Object.fromEntries(
    kinds.flatMap((kind) => {
      const { namespace } = channelKinds[kind];
      return namespace === null ? [] : [[namespace.name, namespace.settings]];
    }),
  );
  return Object.keys(namespaces).length === 0 ? [] : ['--namespaces', JSON.stringify(namespaces)];
}

export function channelsOf(kind: ChannelKind, count: number): string[] {
  return Array.from({ length: count }, (_, index) => `${channelKinds[kind].prefix}${index}`);
}

export function kindOf(channel: string): ChannelKind {
  return channel.startsWith(channelKinds.history.prefix) ? 'history' : 'plain';
}
