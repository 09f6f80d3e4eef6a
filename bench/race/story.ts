/**
 * What happened when something was killed, in a few short lines. The same rules for both sides: what is said of a side follows
 * from what its subscribers saw.
 */
import type { Latency } from '../generator/latency.ts';
import type { SignalCounts } from '../generator/signals.ts';
import type { Breakable, StoryLine } from './standing.ts';

export interface Broken {
  what: Breakable;
  subscribers: number;
  /** Monotonic milliseconds, as all times here. */
  killedAt: number;
  startedAgainAt: number;
  signals: SignalCounts;
  /** Publications that a node refused and that were sent again, and those that waited behind them. */
  refused: number;
  /** Records that came twice. */
  twice: number;
  latency: Pick<Latency, 'p99'>;
}

const whole = (number: number) => number.toLocaleString('en');

/** In the order in which it happened; the verdict comes last. */
export function storyOf(broken: Broken): StoryLine[] {
  const { what, killedAt, startedAgainAt, signals, refused } = broken;
  const since = (ms: number | null): number | null =>
    ms === null ? null : Math.max(0, ms - killedAt) / 1_000;
  const name = what === 'node' ? 'The second node' : 'Redis';
  const lines: StoryLine[] = [{ at: 0, text: `${name} was killed` }];
  const { told, toldBy, cutOff, back, backBy, recovered, paused, hearAgainBy } = signals;
  if (told > 0)
    lines.push({
      at: since(toldBy),
      text: `${shareOf(told, broken)} been told that they may miss something`,
    });
  if (cutOff > 0) {
    lines.push({ at: 0, text: `${whole(cutOff)} connections ended: their owners know` });
    lines.push({
      at: since(backBy),
      text: `${whole(back)} of them are back${recovered > 0 ? `, ${whole(recovered)} with all that they had missed` : ''}`,
    });
  }
  if (refused > 0)
    lines.push({
      at: since(startedAgainAt),
      text: `${whole(refused)} publications have waited, since the first was refused; their publisher sends them now`,
    });
  lines.push({ at: since(startedAgainAt), text: `${name} runs again${what === 'Redis' ? ', empty' : ''}` });
  if (paused > 0 && cutOff === 0)
    lines.push({ at: since(hearAgainBy), text: `${whole(paused)} who heard nothing hear again` });
  // Of equal times the first stays the first.
  const inOrder = lines.toSorted((one, other) => (one.at ?? 0) - (other.at ?? 0));
  return [...inOrder, { at: null, text: verdictOf(broken), bad: signals.silent > 0 }];
}

function verdictOf({ signals, twice, latency }: Broken): string {
  const { silent, silentReceivers, known, told, cutOff } = signals;
  const parts: string[] = [];
  if (silent > 0)
    parts.push(
      `${whole(silent)} lost without a word, by ${whole(silentReceivers)} subscribers${told + cutOff === 0 ? '; nobody was told anything' : ''}`,
    );
  if (known > 0) parts.push(`${whole(known)} missed by subscribers who know it`);
  if (silent === 0) parts.push(known > 0 ? 'nothing lost without a word' : 'Nothing lost');
  if (twice > 0) parts.push(`${whole(twice)} came twice`);
  parts.push(`p99 meanwhile ${whole(Math.round(latency.p99))} ms`);
  return `${parts.join('; ')}.`;
}

function shareOf(told: number, { subscribers }: Broken): string {
  return told >= subscribers
    ? `All ${whole(subscribers)} subscribers have`
    : `${whole(told)} subscribers have`;
}
