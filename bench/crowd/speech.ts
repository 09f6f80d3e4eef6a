/**
 * A dialect as one speaks it with tens of thousands at once: one listener for all, who is told before each message whom it is
 * from. That works for every dialect that keeps nothing of a conversation, and those of Outcry do not.
 */
import type { Dialect, Listener } from '../generator/dialect.ts';

export interface Speech {
  /** What it says first. */
  greeting: Buffer;
  /** It does not wait for an answer. */
  joinsAtOnce: boolean;
  listener: Listener;
}

export interface Hearer {
  joined(): void;
  send(frames: Buffer): void;
  records(bytes: Buffer, offset: number, count: number, stride: number): void;
  mangled(): void;
}

/** What a dialect does at the start of one conversation, it does at the start of each: it is listened to once. */
export function speechOf(dialect: Dialect, hearer: Hearer): Speech {
  const said: Buffer[] = [];
  let joinsAtOnce = false;
  let beginning = true;
  const listener = dialect.converse(
    {
      send(frames) {
        if (beginning) said.push(frames);
        else hearer.send(frames);
      },
      joined() {
        if (beginning) joinsAtOnce = true;
        else hearer.joined();
      },
    },
    [0],
    hearer,
  );
  beginning = false;
  return { greeting: Buffer.concat(said), joinsAtOnce, listener };
}
