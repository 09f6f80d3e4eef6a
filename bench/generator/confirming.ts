/**
 * Publications that are answered: what was refused is sent again, in order and before everything that came later, until it is
 * taken. While something is refused one of them at a time is tried: the others wait.
 */

export interface ConfirmingOptions {
  write(frame: Buffer): void;
  retryMs: number;
  /** Calls back later. */
  after(ms: number, callBack: () => void): void;
}

interface Sent {
  id: number;
  frame: Buffer;
}

export class Confirming {
  readonly #options: ConfirmingOptions;
  readonly #unanswered = new Map<number, Sent>();
  /** To be sent, again or for the first time, in order. */
  #waiting: Sent[] = [];
  #trying = false;
  #refused = 0;

  constructor(options: ConfirmingOptions) {
    this.#options = options;
  }

  /** Publications that were refused at least once, or had to wait behind one that was. */
  get refused(): number {
    return this.#refused;
  }

  get isSettled(): boolean {
    return this.#unanswered.size === 0 && this.#waiting.length === 0;
  }

  /** @param id rises from one to the next */
  publish(id: number, frame: Buffer): void {
    const sent = { id, frame };
    if (this.#trying || this.#waiting.length > 0) {
      this.#refused += 1;
      this.#waiting.push(sent);
    } else this.#write(sent);
  }

  answered(id: number, taken: boolean): void {
    const sent = this.#unanswered.get(id);
    if (sent === undefined) return;
    this.#unanswered.delete(id);
    if (!taken) {
      if (!this.#trying) this.#refused += 1;
      this.#waiting.push(sent);
      this.#waiting.sort((one, other) => one.id - other.id);
    }
    // Only when nothing is under way it is known what comes first.
    if (this.#unanswered.size > 0 || this.#waiting.length === 0) {
      if (taken) this.#trying = false;
      return;
    }
    if (taken) this.#goOn();
    else this.#tryLater();
  }

  #tryLater(): void {
    this.#trying = true;
    this.#options.after(this.#options.retryMs, () => {
      const first = this.#waiting.shift();
      if (first !== undefined) this.#write(first);
    });
  }

  #goOn(): void {
    this.#trying = false;
    for (const sent of this.#waiting.splice(0)) this.#write(sent);
  }

  #write(sent: Sent): void {
    this.#unanswered.set(sent.id, sent);
    this.#options.write(sent.frame);
  }
}
