/**
 * R13: a node of three behind HAProxy is told to leave (SIGTERM) and takes its time: its clients go one by one, evenly, and nobody who
 * takes them in feels it. Beside the listeners it has a crowd of raw clients, which come back to the others when they were told to.
 */
import type { WebSocket } from 'ws';
import { TestClient } from '../../support/client.ts';
import { startHaproxy } from '../../support/haproxy.ts';
import type { TestNode } from '../../support/node.ts';
import { atMost, exactly, timed } from '../lab/line.ts';
import { percentile } from '../lab/percentile.ts';
import type { Scenario } from '../lab/scenario.ts';
import { Stage } from '../lab/stage.ts';

/** Longer than two checks of HAProxy, which asks once a second. */
const delayMs = 2_500;
/** Ten in each bucket when all go evenly, so that one more or less is not yet a peak. */
const leaversPerSecond = 100;
const bucketMs = 100;
const probeEveryMs = 50;

interface Goodbye {
  readonly code: number;
  readonly at: number;
}

export const drain: Scenario = {
  id: 'R13',
  fault: 'a node leaves (SIGTERM), its clients spread over a window',
  manner: 'alone',
  async run(around) {
    const windowMs = around.short ? 4_000 : 10_000;
    const leavers = (windowMs / 1_000) * leaversPerSecond;
    const listeners = around.short ? 90 : 300;
    const stage = await Stage.open(around, {
      listeners,
      channels: 30,
      messagesPerSecond: 60,
      nodeFlags: ['--drain-delay-ms', `${delayMs}`, '--drain-window-ms', `${windowMs}`],
      async front(nodePorts) {
        const haproxy = await startHaproxy({ mode: 'http', nodePorts });
        around.cleanUp(() => haproxy.stop());
        return haproxy.url;
      },
    });
    await stage.speak();
    const victim = around.random(stage.nodes.length);
    const node = stage.nodes[victim] as TestNode;
    const others = stage.nodes.filter((each) => each !== node);
    const there = await node.metric('outcry_connections_open');
    const visits = new Visits(others);
    around.cleanUp(() => visits.close());
    const crowd = await Promise.all(
      Array.from({ length: leavers - there }, () => TestClient.open(`${node.url}/raw/crowd`)),
    );
    for (const { socket } of crowd) visits.keep(socket);

    const sigtermAt = stage.fault(`SIGTERM to node ${victim + 1}, which has ${leavers} clients`);
    const ended = node.exited.then((code) => ({ code, at: performance.now() }));
    node.signal('SIGTERM');
    const prober = setInterval(() => void visits.knock(), probeEveryMs);
    const crowdsGoodbyes = await Promise.all(
      crowd.map(async ({ closed }): Promise<Goodbye> => {
        const { code, reason } = await closed;
        const goodbye = { code, at: performance.now() };
        const { retryAfterMs = 0 } = reason === '' ? {} : JSON.parse(reason);
        setTimeout(() => void visits.knock(), retryAfterMs);
        return goodbye;
      }),
    );
    const { code, at: endedAt } = await ended;
    stage.healed('it is gone, and another one starts');
    await stage.startNode(victim);
    await stage.untilReady([victim]);
    await stage.allBack();
    clearInterval(prober);
    await visits.settle();
    await stage.finish();

    const outages = stage.listeners.flatMap((listener) => listener.outages);
    const goodbyes = [...crowdsGoodbyes, ...outages.map(({ code, lostAt: at }) => ({ code, at }))];
    const even = (goodbyes.length * bucketMs) / windowMs;
    // What came while the lab itself stood still is seen together.
    const gathered = (even * stage.strain.standstillMs) / bucketMs;
    return stage.result([
      exactly('clients that were closed with another code than 1001', notGoingAway(goodbyes), 0),
      timed(atMost(`most of ${goodbyes.length} closes in 100 ms`, mostIn(goodbyes), 1.5 * even + gathered)),
      atMost(
        'the first close after SIGTERM and the delay',
        first(goodbyes) - sigtermAt - delayMs,
        500,
        ' ms',
      ),
      atMost(
        'gone after SIGTERM, beyond delay and window',
        endedAt - sigtermAt - delayMs - windowMs,
        1_000,
        ' ms',
      ),
      exactly('its exit code', code, 0),
      exactly('handshakes with the others that failed', visits.failed, 0),
      atMost(`p99 of ${visits.tookMs.length} handshakes`, percentile(visits.tookMs, 0.99), 1_000, ' ms'),
      exactly('clients that are back', stage.connected, stage.listeners.length),
    ]);
  },
};

function notGoingAway(goodbyes: readonly Goodbye[]): number {
  return goodbyes.filter(({ code }) => code !== 1001).length;
}

function first(goodbyes: readonly Goodbye[]): number {
  return Math.min(...goodbyes.map(({ at }) => at));
}

/** Of all buckets of the window, the fullest. */
function mostIn(goodbyes: readonly Goodbye[]): number {
  const start = first(goodbyes);
  const buckets = new Map<number, number>();
  for (const { at } of goodbyes) {
    const bucket = Math.floor((at - start) / bucketMs);
    buckets.set(bucket, (buckets.get(bucket) ?? 0) + 1);
  }
  return Math.max(...buckets.values());
}

/** Newcomers at the other nodes in turn, who stay. */
class Visits {
  readonly tookMs: number[] = [];
  failed = 0;
  readonly #nodes: readonly TestNode[];
  readonly #sockets: WebSocket[] = [];
  readonly #underWay = new Set<Promise<void>>();
  #count = 0;

  constructor(nodes: readonly TestNode[]) {
    this.#nodes = nodes;
  }

  /** Ended with the others. */
  keep(socket: WebSocket): void {
    this.#sockets.push(socket);
  }

  async knock(): Promise<void> {
    const { url } = this.#nodes[this.#count++ % this.#nodes.length] as TestNode;
    const at = performance.now();
    const visit = TestClient.open(`${url}/raw/crowd`).then(
      ({ socket }) => {
        this.tookMs.push(performance.now() - at);
        this.keep(socket);
      },
      () => {
        this.failed += 1;
      },
    );
    this.#underWay.add(visit);
    await visit;
    this.#underWay.delete(visit);
  }

  async settle(): Promise<void> {
    await Promise.all(this.#underWay);
  }

  async close(): Promise<void> {
    await this.settle();
    for (const socket of this.#sockets) socket.terminate();
  }
}
