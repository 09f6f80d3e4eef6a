/**
 * The scenarios, small: that they run, account for everything, write what they found, and leave nothing behind.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, test } from 'vitest';
import { descendantsOf } from '../support/descendants.ts';
import { endsWithUs } from '../support/leftovers.ts';
import { until } from '../support/until.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'outcry-bench-test-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Those of the runtime that the suite is run for, and the libraries, which run on Node. */
const systems =
  process.env.OUTCRY_RUNTIME === 'node'
    ? {
        bare: 'bare-uws',
        outcry: 'outcry-node',
        others: ['uws-5ms', 'outcry-node-json', 'outcry-node-msgpack', 'ws', 'socket.io'],
      }
    : {
        bare: 'bare-bun',
        outcry: 'outcry-bun',
        others: ['bun-5ms', 'outcry-bun-json', 'outcry-bun-msgpack'],
      };

/** Left out where Debian does not have them, or Go was not there to build them. */
const installable = ['nats', 'nchan', 'centrifuge'];

interface Bench {
  child: ChildProcess;
  /** Everything that it printed so far. */
  text(): string;
  exited: Promise<number>;
}

function bench(...args: string[]): Bench {
  const child = spawn(process.execPath, ['bin/bun.mjs', 'bench/main.ts', ...args], {
    cwd: root,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  endsWithUs(child);
  let text = '';
  for (const output of [child.stdout, child.stderr])
    output.on('data', (bytes) => {
      text += bytes;
    });
  return { child, text: () => text, exited: once(child, 'exit').then(([code]) => code) };
}

/** Runs it to its end and returns what it wrote. */
async function figuresOf(...args: string[]) {
  const out = join(folder, `${args[0]}.json`);
  const run = bench(...args, '--out', out);
  const code = await run.exited;
  expect(code, run.text()).toBe(0);
  expect(readFileSync(out.replace(/json$/, 'html'), 'utf8')).toContain(`<i>${args[0]}</i>`);
  return { figures: JSON.parse(readFileSync(out, 'utf8')), text: run.text() };
}

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

describe('fanout', () => {
  test('accounts for every delivery of every system, the batched ones too', async () => {
    const { bare, outcry, others } = systems;
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
});

describe.each([
  ['ticker', ['--channels', '20', '--per-subscriber', '5']],
  ['rooms', ['--rooms', '10']],
])('%s', (scenario, flags) => {
  test('accounts for every delivery in every channel', async () => {
    const { bare, others } = systems;
    const { figures } = await figuresOf(
      ...[scenario, '--clients', '20', '--rate', '400', '--seconds', '0.5', '--warm-up', '0.1'],
      ...['--rounds', '1', '--systems', [bare, ...others, 'nats', 'centrifuge'].join(), ...flags],
    );
    expect(figures.raw.length).toBeGreaterThan(others.length);
    for (const { system, measured } of figures.raw as Run[]) {
      expect(measured.published).toBe(200);
      expect(measured.expected).toBeGreaterThan(measured.published);
      expect(measured.counts, system).toEqual({ deliveries: measured.expected, ...clean });
    }
  });
});

describe.each(['slow', 'reconnect'])('%s', (scenario) => {
  test('accounts for the deliveries of those who behave', async () => {
    const { bare, others } = systems;
    const { figures } = await figuresOf(
      ...[scenario, '--clients', '10', '--rate', '100', '--seconds', '0.5', '--warm-up', '0.1'],
      ...['--size', '100', '--rounds', '1', '--systems', [bare, ...others, 'nats', 'centrifuge'].join()],
    );
    const behaving = scenario === 'slow' ? 9 : 5;
    for (const { system, measured } of figures.raw as Run[])
      expect(measured.counts, system).toEqual({ deliveries: behaving * 50, ...clean });
  });
});

describe('cluster', () => {
  test('accounts for every delivery on every way', async () => {
    const runtime = process.env.OUTCRY_RUNTIME === 'node' ? 'node' : 'bun';
    const { figures, text } = await figuresOf(
      ...['cluster', '--clients', '5', '--rate', '500', '--seconds', '0.2', '--warm-up', '0.1'],
      ...[
        '--runtime',
        runtime,
        '--systems',
        'one,two,two-l4,two-l7,two-tls,one-l7,bare-bun-l7,socket.io-two',
      ],
    );
    for (const { system, measured } of figures.raw as Run[]) {
      const nodes = /^(two|socket.io)/.test(system) ? 2 : 1;
      expect(measured.counts, system).toEqual({ deliveries: nodes * 500, ...clean });
    }
    expect(text).toContain('500/s, two: deliveries per CPU second at least 0.9 × one');
    expect(text).toContain('500/s, one-l7: HAProxy CPU per delivery at most 0.65 × bare-bun-l7');
    const two = figures.raw.find(({ system }: Run) => system === 'two');
    expect(two.counted.redisCommands).toBeGreaterThan(0);
  });
});

describe('compression', () => {
  test('accounts for every delivery, and for the bytes of it', async () => {
    const runtime = process.env.OUTCRY_RUNTIME === 'node' ? 'node' : 'bun';
    const { figures } = await figuresOf(
      ...['compression', '--clients', '10', '--rate', '100', '--seconds', '0.5', '--warm-up', '0.1'],
      ...['--sizes', '1000', '--rounds', '1', '--runtime', runtime],
    );
    const bytes = new Map<string, number>();
    for (const { system, measured } of figures.raw as (Run & { measured: { wireBytes: number } })[]) {
      expect(measured.counts, system).toEqual({ deliveries: 500, ...clean });
      bytes.set(system, measured.wireBytes / 500);
    }
    expect(bytes.get(`plain-${runtime}`)).toBeGreaterThan(1_000);
    expect(bytes.get(`compressed-${runtime}`)).toBeLessThan(600);
  });
});

describe('idle', () => {
  test('measures between two counts of connections', async () => {
    const { bare, outcry } = systems;
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
});

describe('a benchmark that is interrupted', () => {
  test.each(['SIGINT', 'SIGTERM'] as const)('by %s leaves nothing running', async (signal) => {
    const run = bench(
      ...['fanout', '--clients', '10', '--rate', '50', '--seconds', '600', '--systems', systems.outcry],
    );
    // bun.mjs, the benchmark, the server, the receiver, the publisher.
    const processes = await until(
      () => [run.child.pid as number, ...descendantsOf(run.child.pid as number)],
      (pids) => pids.length >= 5,
      { what: 'a benchmark of five processes' },
    );
    run.child.kill(signal);
    expect(await run.exited, run.text()).toBe(signal === 'SIGINT' ? 130 : 143);
    await until(
      () => processes.filter((pid) => existsSync(`/proc/${pid}`)),
      (left) => left.length === 0,
      { what: 'the end of every process' },
    );
  });
});

test('a system that does not exist is refused with the names of those that do', async () => {
  const run = bench('fanout', '--systems', 'bare-bun,nginx');
  expect(await run.exited).toBe(1);
  expect(run.text()).toContain('no system nginx; there are bare-bun,');
});
