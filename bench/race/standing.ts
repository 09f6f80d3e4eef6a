/**
 * How the race stands: what its page shows, as it travels over a channel.
 */
import type { Status } from '../generator/verdict.ts';

/** What a side did in one turn. */
export interface Turn {
  /** Seconds since the race began. */
  at: number;
  rate: number;
  /** Milliseconds from when a record was due. */
  p50: number;
  p99: number;
  deliveriesPerSecond: number;
  cpuMicrosPerDelivery: number;
  /** Of one core, while it was fed and until the last delivery. */
  cpuShare: number;
  status: Status;
  /** Why not `ok`, in words. */
  reservations: readonly string[];
}

/** What became of the last reader that was paused. */
export interface PausedReader {
  /** Records that its channel carried. */
  published: number;
  received: number;
  /** Missing in its stream. */
  lost: number;
  /** The server ended its connection: it knows that something is missing. */
  cutOff: boolean;
  /** Its connection stayed open, and it was told of a gap. */
  told: boolean;
}

/** What a page may have killed. */
export type Breakable = 'node' | 'Redis';

/** What happened when something was killed. */
export interface StoryLine {
  /** Seconds since then; null for what is said of all of it. */
  at: number | null;
  text: string;
  /** Something was lost without a word. */
  bad?: boolean;
}

export interface SideStanding {
  name: string;
  /** What runs there, in a sentence. */
  what: string;
  /** The latest, oldest first. */
  turns: readonly Turn[];
  delivered: number;
  /** Records missing in a stream whose connection stayed open and that was told nothing. */
  silentlyLost: number;
  /** Records missing in a stream whose owner knows: a gap was told, or the connection ended. */
  told: number;
  /** Connections that the server has ended. */
  cutOff: number;
  residentBytes: number;
  /** Null until a reader was paused. */
  pausedReader: PausedReader | null;
  /** Of what was killed last, the latest line last; empty until something was. */
  story: readonly StoryLine[];
}

export type Phase = 'starting' | 'left' | 'right' | 'pausing';

export interface Standing {
  phase: Phase;
  /** Messages a second, from the next round on. */
  rate: number;
  clients: number;
  recordBytes: number;
  turnSeconds: number;
  pauseSeconds: number;
  /** A reader will be paused when this round is over. */
  pauseOrdered: boolean;
  /** This will be killed when this round is over, or is being killed now. */
  killOrdered: Breakable | null;
  /** Something is killed in this turn. */
  killing: boolean;
  killSeconds: number;
  /** Why nothing can be killed, in a sentence; null if it can. */
  whyNoKill: string | null;
  left: SideStanding;
  right: SideStanding;
}

/** Messages a second that the slider reaches. */
export const slowest = 10;
export const fastest = 15_000;

/** What a page may order; anything else is null. */
export type Order =
  | { type: 'rate'; rate: number }
  | { type: 'pause a reader' }
  | { type: 'kill'; what: Breakable };

export function orderIn(data: unknown): Order | null {
  if (typeof data !== 'object' || data === null) return null;
  const { type, rate, what } = data as Record<string, unknown>;
  if (type === 'pause a reader') return { type };
  if (type === 'kill') return what === 'node' || what === 'Redis' ? { type, what } : null;
  if (type !== 'rate' || typeof rate !== 'number' || Number.isNaN(rate)) return null;
  return { type, rate: Math.round(Math.min(fastest, Math.max(slowest, rate))) };
}
