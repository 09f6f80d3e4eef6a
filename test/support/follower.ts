/**
 * A native client that follows one channel with history, in either codec, and holds everything that it is told against the
 * promise: positions follow each other without a hole and without a repetition, and only a gap moves them.
 */
import { NativeClient, type Subprotocol } from './native-client.ts';
import { until } from './until.ts';

export interface Position {
  readonly epoch: string;
  readonly offset: number;
}

export interface Wish {
  since?: Position;
  last?: number;
}

/** The answer to a subscribe. */
export interface Standing {
  degraded: boolean;
  position: Position | null;
  recovered: boolean | null;
  reason: string | null;
}

/** The answer to a publish: where it is, or the code of an error. */
export type Published = (Position & { duplicate: boolean }) | number;

const reasons = ['', 'bridge', 'bridge_away', 'epoch_changed', 'not_kept', 'healed'];

export class Follower {
  readonly channel: string;
  /** Texts in the order in which they came. */
  readonly texts: string[] = [];
  /** Reasons of the gaps that it was told of. */
  readonly gaps: string[] = [];
  /** How often it was told that nothing is missing any more. */
  healed = 0;
  /** What broke the promise. */
  readonly faults: string[] = [];
  standing: Standing = { degraded: false, position: null, recovered: null, reason: null };
  position: Position | null = null;
  readonly #native: NativeClient;
  readonly #json: boolean;
  readonly #answers = new Map<number, (published: Published) => void>();
  #sequence = 0;
  #lastId = 1;
  #subscribed: () => void = () => {};

  private constructor(native: NativeClient, channel: string, json: boolean) {
    this.#native = native;
    this.channel = channel;
    this.#json = json;
  }

  static async join(
    url: string,
    channel: string,
    wish: Wish = {},
    subprotocol: Subprotocol = 'outcry.v1.json',
  ): Promise<Follower> {
    const native = await NativeClient.connect(url, subprotocol);
    const follower = new Follower(native, channel, subprotocol === 'outcry.v1.json');
    void follower.#listen();
    await follower.subscribe(wish);
    return follower;
  }

  /** Subscribes (again), and resolves with the answer. */
  async subscribe({ since, last }: Wish = {}): Promise<Standing> {
    const { channel } = this;
    const entry = this.#json
      ? { channel, ...(since && { since }), ...(last !== undefined && { last }) }
      : [channel, since ? [since.epoch, since.offset] : null, last ?? null];
    const answered = new Promise<void>((resolve) => {
      this.#subscribed = resolve;
    });
    this.#native.say(this.#json ? { type: 'subscribe', id: 1, channels: [entry] } : [2, 1, [entry]]);
    await answered;
    return this.standing;
  }

  publish(text: string, idempotencyKey?: string): Promise<Published> {
    this.#lastId += 1;
    const id = this.#lastId;
    const { channel } = this;
    this.#native.say(
      this.#json
        ? { type: 'publish', id, channel, text, idempotencyKey }
        : [4, id, channel, text, ...(idempotencyKey === undefined ? [] : [idempotencyKey])],
    );
    return new Promise((resolve) => this.#answers.set(id, resolve));
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

  /** Reads nothing more until `read`. */
  stopReading(): void {
    this.#native.client.socket.pause();
  }

  read(): void {
    this.#native.client.socket.resume();
  }

  /** Resolves when the connection has ended. */
  get closed(): Promise<{ code: number }> {
    return this.#native.client.closed;
  }

  close(): Promise<void> {
    return this.#native.client.close();
  }

  async #listen(): Promise<void> {
    try {
      for (;;) {
        const message = await this.#native.hear();
        if (this.#json) this.#hearObject(message as Fields);
        else this.#hearArray(message as Elements);
      }
    } catch {
      // The connection has ended.
    }
  }

  #hearObject(message: Fields): void {
    switch (message.type) {
      case 'subscribed':
        this.#stand(message.channels[0]);
        break;
      case 'published':
        this.#answer(message.id, { ...positionOf(message), duplicate: message.duplicate === true });
        break;
      case 'error':
        this.#answer(message.id, message.code);
        break;
      case 'gap':
        this.#gap(message.reason, positionOf(message));
        break;
      case 'batch':
        this.#batch(
          message.sequence,
          message.offset,
          (message.publications ?? []).map(({ text }: { text: string }) => text),
        );
    }
  }

  #hearArray([type, ...rest]: Elements): void {
    switch (type) {
      case 2: {
        const [, number, sequence, degraded, epoch, offset, recovered, reason] = rest[1][0];
        this.#stand({ number, sequence, degraded, epoch, offset, recovered, reason });
        break;
      }
      case 4:
        this.#answer(rest[0], { epoch: rest[2], offset: rest[3], duplicate: rest[4] === true });
        break;
      case 9:
        this.#answer(rest[0], rest[1]);
        break;
      case 8:
        this.#gap(reasons[rest[1]] ?? '', { epoch: rest[2], offset: rest[3] });
        break;
      case 7:
        this.#batch(rest[1], rest[4], rest[3]);
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
    this.#subscribed();
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

  #answer(id: number, published: Published): void {
    this.#answers.get(id)?.(published);
    this.#answers.delete(id);
  }
}

// biome-ignore lint/suspicious/noExplicitAny: whatever a node says, a test compares
type Fields = Record<string, any>;
// biome-ignore lint/suspicious/noExplicitAny: likewise
type Elements = any[];

function positionOf({ epoch, offset }: Fields): Position {
  return { epoch, offset };
}

/** The position of a publication that was taken. */
export function positionIn(published: Published): Position {
  if (typeof published === 'number') throw new Error(`refused with ${published}`);
  const { epoch, offset } = published;
  return { epoch, offset };
}
