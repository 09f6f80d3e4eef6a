/**
 * A native client that follows one channel with history, in either codec, and holds everything that it is told against the
 * promise: positions follow each other without a hole and without a repetition, and only a gap moves them.
 */
import { ChannelFollower, positionOf } from './channel-follower.ts';
import type { Fields, Position, Wish } from './conversation.ts';
import { until } from './until.ts';

export type { Position, Wish };

/** The answer to a subscribe. */
export interface Standing {
  degraded: boolean;
  position: Position | null;
  recovered: boolean | null;
  reason: string | null;
}

/** The answer to a publish: where it is, or the code of an error. */
export type Published = (Position & { duplicate: boolean }) | number;

export class Follower extends ChannelFollower<Standing> {
  /** Texts in the order in which they came. */
  readonly texts: string[] = [];
  /** Reasons of the gaps that it was told of. */
  readonly gaps: string[] = [];
  /** How often it was told that publications of other nodes do not arrive from now on. */
  degraded = 0;
  /** How often it was told that nothing is missing any more. */
  healed = 0;
  override standing: Standing = { degraded: false, position: null, recovered: null, reason: null };
  position: Position | null = null;
  #sequence = 0;

  async publish(text: string, idempotencyKey?: string): Promise<Published> {
    const { type, code, duplicate, ...at } = await this.conversation.publish({ text, idempotencyKey });
    return type === 'error' ? code : { ...positionOf(at), duplicate: duplicate === true };
  }

  /** Resolves when so many publications have come. */
  async hears(count: number, withinMs = 15_000): Promise<readonly string[]> {
    await until(
      () => ({ count: this.texts.length, last: this.texts.slice(-3), faults: this.faults, gaps: this.gaps }),
      (seen) => seen.count >= count,
      { withinMs, what: `${count} publications` },
    );
    return [...this.texts];
  }

  async isTold(gaps: number): Promise<readonly string[]> {
    await until(
      () => this.gaps.length,
      (seen) => seen >= gaps,
      { withinMs: 15_000, what: `${gaps} gaps` },
    );
    return [...this.gaps];
  }

  /** Resolves when it was told that publications of other nodes do not arrive from now on. */
  async isDegraded(): Promise<void> {
    await until(
      () => this.degraded,
      (seen) => seen > 0,
      { withinMs: 15_000, what: 'being told degraded' },
    );
  }

  protected override hear(message: Fields): void {
    switch (message.type) {
      case 'subscribed':
        this.#stand(message.channels[0]);
        break;
      case 'degraded':
        this.degraded += 1;
        break;
      case 'gap':
        this.#gap(message.reason, positionOf(message));
        break;
      case 'batch':
        this.#batch(
          message.sequence,
          message.offset,
          (message.publications ?? []).map(({ text }: Fields) => text),
        );
    }
  }

  #stand(joined: Fields): void {
    const { sequence, degraded, epoch, recovered, reason } = joined;
    this.#sequence = sequence;
    this.standing = {
      degraded: degraded === true,
      position: epoch ? positionOf(joined) : null,
      recovered: recovered ?? null,
      reason: reason ?? null,
    };
    // What follows to this client alone ends there.
    this.#behind = this.standing.position;
    this.position = this.standing.position;
  }

  /** The end of what answers a subscribe. */
  #behind: Position | null = null;
  #privately = 0;

  #batch(sequence: number, offset: number, texts: readonly string[]): void {
    if (sequence === 0 && texts.length > 0) {
      const behind = this.#behind?.offset ?? -1;
      if (this.#privately > 0 && offset - texts.length !== this.#privately)
        this.faults.push(`missed ones up to ${offset} do not follow ${this.#privately}`);
      this.#privately = offset === behind ? 0 : offset;
      if (offset > behind) this.faults.push(`missed ones up to ${offset} reach beyond ${behind}`);
      this.texts.push(...texts);
      return;
    }
    if (this.#privately > 0) this.faults.push('live ones came before all that were missed');
    if (this.#sequence + texts.length !== sequence)
      this.faults.push(`sequence ${sequence} does not follow ${this.#sequence}`);
    this.#sequence = sequence;
    const before = this.position?.offset ?? -1;
    if (before + texts.length !== offset) this.faults.push(`offset ${offset} does not follow ${before}`);
    if (this.position !== null) this.position = { epoch: this.position.epoch, offset };
    this.texts.push(...texts);
  }

  #gap(reason: string, position: Position): void {
    if (reason === 'healed') {
      this.healed += 1;
      const { epoch, offset } = this.position ?? {};
      if (epoch !== position.epoch || offset !== position.offset)
        this.faults.push(
          `healed at ${position.offset} of ${position.epoch}, and not at ${offset} of ${epoch}`,
        );
      return;
    }
    this.gaps.push(reason);
    this.position = position;
  }
}

/** The position of a publication that was taken. */
export function positionIn(published: Published): Position {
  if (typeof published === 'number') throw new Error(`refused with ${published}`);
  return positionOf(published);
}
