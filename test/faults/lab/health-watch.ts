/**
 * Looks at `/health/ready` of a node all the time and remembers when it changed its mind. No answer within a second is red:
 * that is what HAProxy makes of it.
 */

const lookEveryMs = 50;
const answerWithinMs = 1_000;

export type Light = 'green' | 'red';

export class HealthWatch {
  readonly #url: string;
  readonly #changes: { light: Light; at: number }[] = [];
  #stopped = false;
  readonly #watching: Promise<void>;

  constructor(port: number) {
    this.#url = `http://127.0.0.1:${port}/health/ready`;
    this.#watching = this.#watch();
  }

  get light(): Light {
    return this.#changes.at(-1)?.light ?? 'red';
  }

  /** Milliseconds from `since` until the light was first seen like this, at once included; null if it was not. */
  msUntil(light: Light, since: number): number | null {
    const before = this.#changes.filter(({ at }) => at <= since).at(-1);
    if (before?.light === light) return 0;
    const change = this.#changes.find((candidate) => candidate.at > since && candidate.light === light);
    return change === undefined ? null : change.at - since;
  }

  /** Milliseconds of the time from one moment to another in which it was green. */
  greenMs(from: number, to: number): number {
    return this.#changes.reduce((total, { light, at }, index) => {
      const end = Math.min(to, this.#changes[index + 1]?.at ?? to);
      return light === 'green' ? total + Math.max(0, end - Math.max(from, at)) : total;
    }, 0);
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#watching;
  }

  async #watch(): Promise<void> {
    while (!this.#stopped) {
      const light = (await this.#look()) ? 'green' : 'red';
      if (light !== this.#changes.at(-1)?.light) this.#changes.push({ light, at: performance.now() });
      await new Promise((resolve) => setTimeout(resolve, lookEveryMs));
    }
  }

  async #look(): Promise<boolean> {
    try {
      const answer = await fetch(this.#url, { signal: AbortSignal.timeout(answerWithinMs) });
      await answer.arrayBuffer();
      return answer.status === 200;
    } catch {
      return false;
    }
  }
}
