/**
 * Everything that a subscription tells, in order, as short words that a test compares; and waiting for the next ones.
 */
import type { Subscribed, Subscription, SubscriptionEvents } from '../../src/client/subscription.ts';

export class Chronicle {
  readonly entries: unknown[] = [];
  #look = () => {};

  static of<T>(subscription: Subscription<T>): Chronicle {
    const chronicle = new Chronicle();
    for (const name of ['publication', 'gap', 'subscribed', 'error'] as const)
      subscription.on(name, (event) => chronicle.write(wordFor<T>(event)));
    return chronicle;
  }

  write(entry: unknown): void {
    this.entries.push(entry);
    this.#look();
  }

  /** Resolves when it holds so many entries. */
  reaches(count: number): Promise<void> {
    return new Promise((resolve) => {
      this.#look = () => {
        if (this.entries.length >= count) resolve();
      };
      this.#look();
    });
  }

  /** Resolves when this has been written. */
  has(entry: unknown): Promise<void> {
    return new Promise((resolve) => {
      this.#look = () => {
        if (this.entries.includes(entry)) resolve();
      };
      this.#look();
    });
  }
}

function wordFor<T>(event: SubscriptionEvents<T>[Exclude<keyof SubscriptionEvents<T>, 'state'>]): unknown {
  if ('data' in event) return event.data;
  if ('missed' in event) return `gap: ${event.reason} ${event.missed}`;
  if ('degraded' in event) return admissionWord(event);
  return `error: ${event.name}`;
}

export function admissionWord({ degraded, recovered, reason }: Subscribed): string {
  const words = ['subscribed'];
  if (degraded) words.push('degraded');
  if (recovered !== null) words.push(recovered ? 'recovered' : `not recovered: ${reason}`);
  return words.join(', ');
}
