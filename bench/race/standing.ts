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

export interface SideStanding {
  name: string;
  /** What runs there, in a sentence. */
  what: string;
  /** The latest, oldest first. */
  turns: readonly Turn[];
  delivered: number;
  /** Records missing in a stream whose connection stayed open and that was told nothing. */
  silentlyLost: number;
  /** Connections that the server has ended. */
  cutOff: number;
  residentBytes: number;
  /** Null until a reader was paused. */
  pausedReader: PausedReader | null;
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
  left: SideStanding;
  right: SideStanding;
}

/** Messages a second that the slider reaches. */
export const slowest = 10;
export const fastest = 15_000;

/** What a page may order; anything else is null. */
export type Order = { type: 'rate'; rate: number } | { type: 'pause a reader' };

export function orderIn(data: unknown): Order | null {
  if (typeof data !== 'object' || data === null) return null;
  const { type, rate } = data as Record<string, unknown>;
  if (type === 'pause a reader') return { type };
  if (type !== 'rate' || typeof rate !== 'number' || Number.isNaN(rate)) return null;
  return { type, rate: Math.round(Math.min(fastest, Math.max(slowest, rate))) };
}
