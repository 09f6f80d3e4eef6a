/**
 * The SDK in a world in which a test decides on time, chance and network.
 */
import { Client, type ClientEvents, type ClientOptions } from '../../src/client/client.ts';
import type { Subscription, SubscriptionEvents } from '../../src/client/subscription.ts';
import { admissionWord } from './chronicle.ts';
import { FakeClock } from './fake-clock.ts';
import { FakeNetwork } from './fake-web-socket.ts';

/** A client in a world without time, chance and network. */
export class World {
  readonly clock = new FakeClock();
  readonly network = new FakeNetwork();
  readonly events: [keyof ClientEvents, unknown][] = [];
  readonly client: Client;
  random = 0.5;
  wake = () => {};
  awake = true;

  constructor(options: ClientOptions = {}, url = 'ws://node/') {
    this.client = new Client(url, options, {
      clock: this.clock,
      random: () => this.random,
      WebSocket: this.network.WebSocket,
      pageUrl: undefined,
      onWake: (run) => {
        this.wake = run;
        return () => {
          this.awake = false;
        };
      },
    });
    for (const name of ['connected', 'disconnected', 'degraded', 'restored', 'error', 'closed'] as const)
      this.client.on(name, (event) => this.events.push([name, event]));
  }

  get socket() {
    return this.network.socket;
  }

  /** Names of the events so far. */
  get names() {
    return this.events.map(([name]) => name);
  }
}

/** What was planned for the end of the running code has happened. */
export async function settled(): Promise<void> {
  for (let turn = 0; turn < 10; turn += 1) await Promise.resolve();
}

export async function connected(options: ClientOptions = {}): Promise<World> {
  const world = new World(options);
  await settled();
  world.socket.welcome();
  return world;
}

/** Everything that a subscription tells, in order. */
export function heard<T>(subscription: Subscription<T>): unknown[] {
  const all: unknown[] = [];
  for (const name of ['publication', 'gap', 'subscribed', 'error'] as const)
    subscription.on(name, (event: SubscriptionEvents<T>[typeof name]) => {
      if ('data' in event) all.push(event.data);
      else if ('missed' in event) all.push(`${event.reason} ${event.missed}`);
      else if ('degraded' in event) all.push(admissionWord(event));
      else all.push(event.name);
    });
  return all;
}

export function batch(channel: string, sequence: number, ...texts: string[]) {
  const publications = texts.map((text) => ({ text }));
  return { type: 'batch', channel, sequence, time: 1_764_000_000_000, publications };
}
