/**
 * The scenarios, small: that they run, account for everything, and write what they found.
 *
 * What is tried here is counted, not timed, and most of it is waiting for servers to start and to stop: so several run
 * beside each other.
 */
import { describe, expect, test } from 'vitest';
import { figuresOf as alone, startBench } from '../support/bench.ts';
import { Lanes } from '../support/lanes.ts';

const lanes = new Lanes(3);
/** Of one scenario, and of those that it waits for. */
const patienceMs = 180_000;

/** Those of the runtime that the suite is run for; peers run once, whichever it is. */
const systems =
  process.env.OUTCRY_RUNTIME === 'node'
    ? {
        bare: 'bare-uws',
        outcry: 'outcry-node',
        others: ['uws-5ms', 'outcry-node-json', 'outcry-node-msgpack', 'ws', 'socket.io'],
        few: ['outcry-node-msgpack', 'socket.io'],
        installable: [],
        nodes: 'node',
      }
    : {
        bare: 'bare-bun',
        outcry: 'outcry-bun',
        others: ['bun-5ms', 'outcry-bun-json', 'outcry-bun-msgpack'],
        few: ['outcry-bun-msgpack', 'outcry-bun-json'],
        /** Left out where Debian does not have them, or Go was not there to build them. */
        installable: ['nats', 'nchan', 'centrifuge'],
        nodes: 'bun',
      };
const { bare, outcry, others, few, installable, nodes } = systems;

const figuresOf = (...args: string[]) => lanes.run(() => alone(...args));

/** Fifty messages, after some more. */
const short = ['--rate', '250', '--seconds', '0.2', '--warm-up', '0.1', '--rounds', '1'];

interface Run {
  system: string;
  measured: { counts: object; published: number; expected: number; latency: { p50: number } };
  residentBytes: number;
}

const clean = {
  gaps: 0,
  tail: 0,
  duplicates: 0,
  reordered: 0,
  corrupted: 0,
  early: 0,
  stale: 0,
  overflowed: false,
};

describe.concurrent('every scenario, small:', { timeout: patienceMs }, () => {
  test('fanout accounts for every delivery of every system, the batched ones too', async () => {
    const chosen = [bare, outcry, ...others, ...installable];
    const { figures, text } = await figuresOf(
      ...['fanout', '--clients', '10', '--rate', '100', '--seconds', '0.5', '--warm-up', '0.1'],
      ...['--rounds', '1', '--systems', chosen.join()],
    );
    const ran = figures.raw.map(({ system }: Run) => system);
    const missing = installable.filter((name) => !ran.includes(name));
    expect(ran).toEqual([
      bare,
      `${bare} again`,
      ...chosen.slice(1).filter((name) => !missing.includes(name)),
    ]);
    for (const name of missing)
      expect(text).toMatch(new RegExp(`${name} was left out: .+ not (installed|built)`));
    for (const { system, measured, residentBytes } of figures.raw as Run[]) {
      expect(measured.counts, system).toEqual({ deliveries: 500, ...clean });
      expect(measured.latency.p50).toBeGreaterThan(0);
      expect(residentBytes).toBeGreaterThan(1e6);
    }
    expect(figures.machine.cores).toBeGreaterThan(0);
    if (bare === 'bare-bun') expect(text).toContain(`100/s, ${outcry}: p99 at most 1 × ${bare}`);
  });

  // Every system finds its channels in `ticker`; `rooms` has other channels, and the same systems find them.
  test.each([
    ['ticker', [bare, ...others, ...installable], ['--channels', '20', '--per-subscriber', '5']],
    ['rooms', [bare, ...few], ['--rooms', '10']],
  ])('%s accounts for every delivery in every channel', async (scenario, chosen, flags) => {
    const { figures } = await figuresOf(
      ...[scenario, '--clients', '20', '--rate', '400', '--seconds', '0.5', '--warm-up', '0.1'],
      ...['--rounds', '1', '--systems', chosen.join(), ...flags],
    );
    expect(figures.raw.length).toBeGreaterThan(few.length);
    for (const { system, measured } of figures.raw as Run[]) {
      expect(measured.published).toBe(200);
      expect(measured.expected).toBeGreaterThan(measured.published);
      expect(measured.counts, system).toEqual({ deliveries: measured.expected, ...clean });
    }
  });

  test.each(['slow', 'reconnect'])('%s accounts for the deliveries of those who behave', async (scenario) => {
    const { figures } = await figuresOf(
      ...[scenario, '--clients', '10', ...short, '--size', '100', '--systems', [bare, ...few].join()],
    );
    const behaving = scenario === 'slow' ? 9 : 5;
    expect(figures.raw.length).toBeGreaterThan(few.length);
    for (const { system, measured } of figures.raw as Run[])
      expect(measured.counts, system).toEqual({ deliveries: behaving * 50, ...clean });
  });

  test('cluster accounts for every delivery on every way', async () => {
    const ways = 'one,two,two-l4,two-l7,two-tls,one-l7,bare-bun-l7,socket.io-two';
    const { figures, text } = await figuresOf(
      ...['cluster', '--clients', '5', '--rate', '500', '--seconds', '0.2', '--warm-up', '0.1'],
      ...['--runtime', nodes, '--systems', ways],
    );
    for (const { system, measured } of figures.raw as Run[]) {
      const both = /^(two|socket.io)/.test(system) ? 2 : 1;
      expect(measured.counts, system).toEqual({ deliveries: both * 500, ...clean });
    }
    expect(text).toContain('500/s, two: deliveries per CPU second at least 0.9 × one');
    expect(text).toContain('500/s, one-l7: HAProxy CPU per delivery at most 0.65 × bare-bun-l7');
    const two = figures.raw.find(({ system }: Run) => system === 'two');
    expect(two.counted.redisCommands).toBeGreaterThan(0);
  });

  test('compression accounts for every delivery, and for the bytes of it', async () => {
    const { figures } = await figuresOf(
      ...['compression', '--clients', '10', ...short, '--sizes', '1000', '--runtime', nodes],
    );
    const bytes = new Map<string, number>();
    for (const { system, measured } of figures.raw as (Run & { measured: { wireBytes: number } })[]) {
      expect(measured.counts, system).toEqual({ deliveries: 500, ...clean });
      bytes.set(system, measured.wireBytes / 500);
    }
    expect(bytes.get(`plain-${nodes}`)).toBeGreaterThan(1_000);
    expect(bytes.get(`compressed-${nodes}`)).toBeLessThan(600);
  });

  test('idle measures between two counts of connections', async () => {
    const { figures, text } = await figuresOf(
      ...['idle', '--from', '20', '--to', '100', '--rounds', '1', '--systems', `${bare},${outcry}`],
    );
    for (const { handshakesPerSecond, closed, residentBytes } of figures.raw) {
      expect(handshakesPerSecond).toBeGreaterThan(0);
      expect(closed).toBe(0);
      expect(residentBytes[0]).toBeGreaterThan(1e6);
    }
    expect(text).toContain(`${outcry}: handshakes a second at least 0.8 × bare`);
  });

  test('million accounts for everybody, through HAProxy with TLS', async () => {
    const { figures } = await figuresOf(
      ...['million', '--clients', '300', '--via', 'haproxy-tls', '--runtime', nodes, '--no-reference'],
      ...['--idle-seconds', '0.2', '--broadcasts', '2', '--size', '100'],
    );
    const broadcasts = figures.raw.filter(({ phase }: { phase: string }) => phase === 'broadcast');
    expect(broadcasts.length).toBe(2);
    for (const broadcast of broadcasts)
      expect(broadcast).toMatchObject({
        ...{ joined: 300, received: 300, duplicates: 0, gaps: 0, corrupted: 0, foreign: 0 },
      });
  });

  test('million refuses what does not fit, and says what would', async () => {
    const run = startBench('million', '--clients', '100000000');
    expect(await run.exited).toBe(1);
    expect(run.text()).toMatch(/connections do not fit here: .*--clients \d+000 would fit/);
    expect(run.text()).not.toContain(' at ');
  });
});
