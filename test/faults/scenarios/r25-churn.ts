/**
 * R25: clients come, join, leave and go, politely or not, for a long time. Whatever they took is given back: at the end every count is
 * what it was at the beginning, and memory does not grow with time.
 */
import { readdirSync } from 'node:fs';
import { connect } from '../../../src/client/client.ts';
import type { TestNode } from '../../support/node.ts';
import { until } from '../../support/until.ts';
import { atLeast, atMost, exactly } from '../lab/line.ts';
import { pausableWebSockets } from '../lab/pausable-web-socket.ts';
import type { Scenario } from '../lab/scenario.ts';
import { Stage } from '../lab/stage.ts';

/** Clients that come and go at the same time. */
const visitors = 40;
const channelsOfVisitors = 500;
const joinedByEach = 5;
/** A shard stays subscribed for up to 45 s after its last subscriber: nothing is at rest before. */
const restsAfterMs = 50_000;
const quietWithinMs = 150_000;
const sampleEveryMs = 5_000;
/** The slope of memory says nothing before that. */
const leastMinutesForSlope = 20;

export const churn: Scenario = {
  id: 'R25',
  fault: 'clients come and go all the time',
  manner: 'long',
  async run(around) {
    const stage = await Stage.open(around, { nodes: 2, listeners: 20, channels: 10, messagesPerSecond: 20 });
    await stage.speak();
    const [node] = stage.nodes as [TestNode];
    const names = Array.from(
      { length: channelsOfVisitors },
      (_, index) => `${around.kinds.includes('history') && index % 2 === 0 ? 'kept:' : ''}visited-${index}`,
    );
    // What is only made once is made before anything is counted.
    const visits = new Visits(stage, names, around.random);
    await visits.for(5_000);
    const before = await untilQuiet(stage, null);
    const resting = new Map(before);
    stage.fault(`${visitors} clients come and go for ${around.minutes} minutes`);
    const memory: { atH: number; bytes: number }[] = [];
    const sampler = setInterval(() => {
      const at = performance.now();
      void node
        .residentBytes()
        .then((bytes) => memory.push({ atH: at / 3_600_000, bytes }))
        .catch(() => {});
    }, sampleEveryMs);
    await visits.for(around.minutes * 60_000);
    clearInterval(sampler);
    stage.healed(`${visits.done} visits are over`);
    const after = await untilQuiet(stage, resting);
    await stage.finish();
    const slope = slopeOf(memory.slice(Math.floor(memory.length / 5)));
    around.say(`memory changed by ${slope.toFixed(2)} % an hour`);
    return stage.result([
      atLeast('visits', visits.done, around.minutes * 60 * 10),
      exactly('visits that failed', visits.failed, 0),
      ...[...resting].map(([name, count]) => exactly(`${name} afterwards`, after.get(name) ?? -1, count)),
      exactly('disconnects of those who stayed', stage.disconnects, 0),
      exactly('bugs that came to light', stage.bugs, 0),
      ...(around.minutes < leastMinutesForSlope
        ? []
        : [atMost('memory grows in an hour by', slope, 1, ' %')]),
    ]);
  },
};

class Visits {
  done = 0;
  failed = 0;
  readonly #stage: Stage;
  readonly #names: readonly string[];
  readonly #random: (below: number) => number;

  constructor(stage: Stage, names: readonly string[], random: (below: number) => number) {
    this.#stage = stage;
    this.#names = names;
    this.#random = random;
  }

  async for(ms: number): Promise<void> {
    const endsAt = performance.now() + ms;
    await Promise.all(
      Array.from({ length: visitors }, async () => {
        while (performance.now() < endsAt) {
          await this.#visit().then(
            () => (this.done += 1),
            () => (this.failed += 1),
          );
        }
      }),
    );
  }

  /** Comes, joins, perhaps publishes and leaves a channel, and goes: with a goodbye, or without one. */
  async #visit(): Promise<void> {
    const random = this.#random;
    const { url } = this.#stage.nodes[random(this.#stage.nodes.length)] as TestNode;
    const { WebSocket, made } = pausableWebSockets();
    const client = connect(url, { WebSocket, codec: random(2) === 0 ? 'json' : 'msgpack' });
    client.on('error', () => {});
    try {
      const joined = Array.from({ length: joinedByEach }, () =>
        client.subscribe(this.#names[random(this.#names.length)] as string),
      );
      await Promise.all(joined.map((subscription) => subscription.ready()));
      if (random(2) === 0) joined[0]?.unsubscribe();
      if (random(4) === 0) await client.publish(this.#names[random(this.#names.length)] as string, 'hi');
      if (random(3) === 0) for (const socket of made) socket.terminate();
    } finally {
      await client.close();
    }
  }
}

/** What a node holds, by name, of all nodes together; and what Redis is subscribed to. */
async function countsOf(stage: Stage): Promise<Map<string, number>> {
  const counts = new Map<string, number>();
  for (const name of [
    'outcry_connections_open',
    'outcry_subscriptions_open',
    'outcry_channels_open',
    'outcry_bridge_shards_subscribed',
    'outcry_history_recoveries_open',
  ])
    counts.set(name, await sum(stage.nodes, (node) => node.metric(name)));
  counts.set('descriptors', await sum(stage.nodes, descriptors));
  const redis = stage.redis.client();
  const channels = (await redis.call('PUBSUB', 'CHANNELS')) as string[];
  const numbers = (await redis.call('PUBSUB', 'NUMSUB', ...channels)) as (string | number)[];
  counts.set(
    'subscriptions in Redis',
    numbers.reduce<number>((total, each, index) => total + (index % 2 === 1 ? Number(each) : 0), 0),
  );
  redis.disconnect();
  return counts;
}

/** Resolves when the counts are those of before, or, if there are none, when they stay as they are; in the end with what they are. */
async function untilQuiet(
  stage: Stage,
  before: ReadonlyMap<string, number> | null,
): Promise<Map<string, number>> {
  let last = new Map<string, number>();
  const sameAs = (counts: Map<string, number>, others: ReadonlyMap<string, number>) =>
    [...counts].every(([name, count]) => others.get(name) === count);
  let quietSince = performance.now();
  await until(
    async () => {
      const counts = await countsOf(stage);
      if (!sameAs(counts, last)) quietSince = performance.now();
      last = counts;
      return counts;
    },
    (counts) => (before === null ? performance.now() - quietSince > restsAfterMs : sameAs(counts, before)),
    { what: 'nothing being left over', withinMs: quietWithinMs },
  ).catch(() => {});
  return last;
}

async function descriptors({ pid }: TestNode): Promise<number> {
  return readdirSync(`/proc/${pid}/fd`).length;
}

async function sum(nodes: readonly TestNode[], of: (node: TestNode) => Promise<number>): Promise<number> {
  const counts = await Promise.all(nodes.map(of));
  return counts.reduce((total, count) => total + count, 0);
}

/** Of the straight line through the samples, in percent of the first value on it an hour. */
function slopeOf(samples: readonly { atH: number; bytes: number }[]): number {
  const count = samples.length;
  if (count < 2) return 0;
  const meanAt = samples.reduce((total, { atH }) => total + atH, 0) / count;
  const mean = samples.reduce((total, { bytes }) => total + bytes, 0) / count;
  const over = samples.reduce((total, { atH, bytes }) => total + (atH - meanAt) * (bytes - mean), 0);
  const under = samples.reduce((total, { atH }) => total + (atH - meanAt) ** 2, 0);
  return under === 0 ? 0 : ((over / under) * 100) / mean;
}
