/**
 * Pages of channels, in the order of their names (by UTF-16 units, as JavaScript compares).
 *
 * A page of a cluster can be put together from the same page of each node: a channel that is among the first `limit` of all
 * is among the first `limit` of every node that has it, so its count is complete.
 */
import type { ChannelCount } from '../protocol/control.ts';

export interface Page {
  readonly prefix: string;
  /** Only names behind this one. */
  readonly after: string;
  readonly limit: number;
}

/** The first channels of a page. Looks at all channels, and keeps few of them at a time. */
export function firstChannels(
  channels: Iterable<ChannelCount>,
  { prefix, after, limit }: Page,
): ChannelCount[] {
  let kept: ChannelCount[] = [];
  // Nothing behind this name can be among the first any more.
  let bound: string | null = null;
  for (const { channel, subscribers } of channels) {
    if (channel <= after || (bound !== null && channel > bound) || !channel.startsWith(prefix)) continue;
    kept.push({ channel, subscribers });
    if (kept.length < 2 * limit) continue;
    kept = kept.sort(byName).slice(0, limit);
    bound = kept[limit - 1]?.channel ?? null;
  }
  return kept.sort(byName).slice(0, limit);
}

/** One page of the pages of many nodes; a channel on several of them has all their subscribers. */
export function mergeChannels(pages: readonly (readonly ChannelCount[])[], limit: number): ChannelCount[] {
  const sums = new Map<string, number>();
  for (const page of pages)
    for (const { channel, subscribers } of page) sums.set(channel, (sums.get(channel) ?? 0) + subscribers);
  return Array.from(sums, ([channel, subscribers]) => ({ channel, subscribers }))
    .sort(byName)
    .slice(0, limit);
}

function byName(a: ChannelCount, b: ChannelCount): number {
  return a.channel < b.channel ? -1 : 1;
}
