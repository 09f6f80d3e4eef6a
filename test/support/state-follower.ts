/**
 * A native client that follows the latest values of one channel, in either codec: what it has is the last snapshot and what
 * came since. It holds everything that it is told against the promise: a snapshot is whole and comes before anything live,
 * and what is live follows its position without a hole and without a repetition.
 */
import { ChannelFollower, positionOf } from './channel-follower.ts';
import type { Fields, Position } from './conversation.ts';
import { until } from './until.ts';

export type { Position };

/** The answer to a publish: where it is, or the code of an error. */
export type Answer = Position | number;

export class StateFollower extends ChannelFollower<Fields> {
  /** The values by key, which are texts. */
  readonly state = new Map<string, string>();
  /** What came live, in order: `key=value`, `key=` for what was deleted, and texts without a key. */
  readonly heard: string[] = [];
  /** What came of before, likewise. */
  readonly before: string[] = [];
  /** Reasons of the snapshots that replaced what it had, with how many values each had. */
  readonly snapshots: [reason: string, count: number][] = [];
  readonly gaps: string[] = [];
  /** Codes of errors that answer nothing. */
  readonly errors: number[] = [];
  /** The entry of the answer to its subscribe, or what stands there for a refusal. */
  override standing: Fields = {};
  position: Position | null = null;
  #sequence = 0;
  /** Values of a snapshot that are still to come. */
  #missing = 0;

  /** Sets a key; null deletes it. */
  async set(key: string, text: string | null, { answered = true } = {}): Promise<Answer> {
    if (answered) return answerOf(await this.conversation.publish({ key, text }));
    this.conversation.publishUnanswered({ key, text });
    return 0;
  }

  /** Publishes without a key. */
  async publish(text: string): Promise<Answer> {
    return answerOf(await this.conversation.publish({ text }));
  }

  /** Resolves when it stands at a position, all values of a snapshot included. */
  async reaches({ epoch, offset }: Position): Promise<void> {
    await until(
      () => ({ ...this.position, missing: this.#missing }),
      (at) => at.epoch === epoch && (at.offset ?? 0) >= offset && at.missing === 0,
      { withinMs: 20_000, what: `${this.channel} at ${epoch} ${offset}` },
    );
  }

  async isReplaced(times: number): Promise<readonly [string, number][]> {
    await until(
      () => ({ snapshots: this.snapshots.length, missing: this.#missing }),
      ({ snapshots, missing }) => snapshots >= times && missing === 0,
      { withinMs: 20_000, what: `${times} snapshots` },
    );
    return this.snapshots;
  }

  /** What it has, in the order of the keys. */
  get values(): Record<string, string> {
    return Object.fromEntries([...this.state].sort(([a], [b]) => (a < b ? -1 : 1)));
  }

  protected override hear(message: Fields): void {
    switch (message.type) {
      case 'subscribed':
        this.#stand(message.channels[0] ?? message.refused[0]);
        break;
      case 'error':
        this.errors.push(message.code);
        break;
      case 'gap':
        this.#gap(message.reason, positionOf(message));
        break;
      case 'snapshot':
        this.#replace(message);
        break;
      case 'batch':
        this.#batch(
          message.sequence,
          message.offset,
          (message.publications ?? []).map(({ key, text, deleted }: Fields) => ({
            key: key ?? null,
            text: deleted === true ? null : text,
          })),
        );
    }
  }

  #stand(standing: Fields): void {
    this.standing = standing;
    const { sequence, epoch, offset, snapshot } = standing;
    this.#sequence = sequence ?? 0;
    this.position = epoch === undefined ? null : { epoch, offset };
    if (snapshot !== undefined) this.#begin(snapshot);
  }

  #begin(count: number): void {
    if (this.#missing > 0) this.faults.push(`${this.#missing} values of a snapshot did not come`);
    this.state.clear();
    this.#missing = count;
  }

  #replace({ reason, epoch, offset, count, sequence }: Fields): void {
    this.snapshots.push([reason, count]);
    if (sequence < this.#sequence) this.faults.push(`sequence ${sequence} is behind ${this.#sequence}`);
    this.#sequence = sequence;
    this.position = { epoch, offset };
    this.#begin(count);
  }

  #batch(sequence: number, offset: number | undefined, publications: readonly Heard[]): void {
    if (sequence === 0 && publications.length > 0) {
      if (offset !== undefined) {
        if (this.#missing > 0) this.faults.push('what was missed came before all values');
        // Whoever gets what he missed has no snapshot, and what he had goes on.
        if (this.standing.recovered === true) for (const each of publications) this.#apply(each);
        this.before.push(...publications.map(shown));
        return;
      }
      for (const { key, text } of publications) {
        if (key === null || text === null || this.state.has(key))
          this.faults.push(`no value: ${key} ${text}`);
        else this.state.set(key, text);
      }
      this.#missing -= publications.length;
      if (this.#missing < 0) this.faults.push('more values than were told');
      return;
    }
    if (this.#missing > 0) this.faults.push('what is live came before all values');
    if (this.#sequence + publications.length !== sequence)
      this.faults.push(`sequence ${sequence} does not follow ${this.#sequence}`);
    this.#sequence = sequence;
    if (this.position !== null) {
      if (this.position.offset + publications.length !== offset)
        this.faults.push(`offset ${offset} does not follow ${this.position.offset}`);
      this.position = { epoch: this.position.epoch, offset: offset ?? 0 };
    }
    for (const each of publications) this.#apply(each);
    this.heard.push(...publications.map(shown));
  }

  #apply({ key, text }: Heard): void {
    if (key === null) return;
    if (text === null) this.state.delete(key);
    else this.state.set(key, text);
  }

  #gap(reason: string, position: Position): void {
    const { epoch, offset } = this.position ?? {};
    if (reason !== 'healed') this.gaps.push(reason);
    else if (epoch !== position.epoch || offset !== position.offset)
      this.faults.push(`healed at ${position.offset} of ${position.epoch}, not at ${offset} of ${epoch}`);
    this.position = position;
  }
}

interface Heard {
  readonly key: string | null;
  /** Null for what was deleted. */
  readonly text: string | null;
}

function shown({ key, text }: Heard): string {
  return key === null ? String(text) : `${key}=${text ?? ''}`;
}

function answerOf(answer: Fields): Answer {
  return answer.type === 'error' ? answer.code : positionOf(answer);
}
