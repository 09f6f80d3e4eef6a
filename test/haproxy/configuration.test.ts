/**
 * The configurations as HAProxy reads them, in every combination that the README names.
 */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { Child } from '../../scripts/cluster/child.ts';
import { executable } from '../../scripts/cluster/executable.ts';
import { mostNodes } from '../../scripts/cluster/haproxy.ts';
import { freePorts } from '../../scripts/cluster/ports.ts';
import { untilReady } from '../../scripts/cluster/until.ts';
import { useCertificate } from '../support/certificate.ts';

const folder = fileURLToPath(new URL('../../haproxy', import.meta.url));
const read = (file: string) => readFileSync(join(folder, file), 'utf8');

const certificate = useCertificate();

function check(files: string[], env: Record<string, string> = {}) {
  const run = spawnSync(executable('haproxy'), ['-c', ...files.flatMap((file) => ['-f', file])], {
    cwd: folder,
    env: { PATH: process.env.PATH, ...env },
    encoding: 'utf8',
  });
  return { status: run.status, warnings: run.stderr };
}

const combinations = [
  ['haproxy.cfg'],
  ['haproxy-l4.cfg'],
  ['haproxy.cfg', 'tls.cfg'],
  ['haproxy-l4.cfg', 'tls.cfg'],
  ['massive.cfg', 'haproxy.cfg', 'tls.cfg'],
  ['massive.cfg', 'haproxy-l4.cfg'],
];

describe.each(combinations.map((files) => ({ name: files.join(' and '), files })))('$name', ({ files }) => {
  const tls = () => (files.includes('tls.cfg') ? { PROXY_CERTIFICATE: certificate.file } : {});

  it('is valid, without a warning, with the defaults and with one to all nodes named', () => {
    expect(check(files, tls())).toEqual({ status: 0, warnings: '' });
    for (const count of [1, 2, mostNodes()]) {
      const nodes = Array.from({ length: count }, (_, at) => [`NODE_${at + 1}`, `127.0.0.1:${9001 + at}`]);
      expect(check(files, { ...tls(), ...Object.fromEntries(nodes) })).toEqual({ status: 0, warnings: '' });
    }
  });

  it('starts where there are few descriptors, and keeps room for the statistics where there are many', async () => {
    const [port, statsPort, tlsPort] = await freePorts(3);
    const room = async (limit: number) => {
      // `-c` does not look at limits: only a start tells.
      const haproxy = [executable('haproxy'), '-db', ...files.flatMap((file) => ['-f', file])];
      const child = new Child({
        name: 'haproxy',
        file: '/bin/sh',
        args: ['-c', `ulimit -n ${limit}; exec "$@"`, 'sh', ...haproxy],
        cwd: folder,
        env: {
          ...{ PATH: process.env.PATH, ...tls(), NODE_1: '127.0.0.1:1' },
          ...{ PROXY_HTTP: `*:${port}`, PROXY_STATS: `127.0.0.1:${statsPort}`, PROXY_TLS: `*:${tlsPort}` },
        },
      });
      try {
        let metrics = '';
        await untilReady(child, async () => {
          metrics = await (await fetch(`http://127.0.0.1:${statsPort}/metrics`)).text();
          return true;
        });
        return Number(/^haproxy_process_max_connections (\d+)$/m.exec(metrics)?.[1]);
      } finally {
        await child.stop();
      }
    };
    expect(await room(1_024)).toBeGreaterThan(450);
    const publicRoom = Number(/^ {2}presetenv PROXY_MAXCONN (\d+)$/m.exec(read('haproxy.cfg'))?.[1]);
    expect(await room(20_000)).toBeGreaterThan(publicRoom + 100);
  });

  it('is valid with names that nobody knows yet', () => {
    const { status, warnings } = check(files, { ...tls(), NODE_1: 'node-1.invalid:8080' });
    expect(status).toBe(0);
    expect(warnings).toContain("could not resolve address 'node-1.invalid', disabling server");
  });
});

it.each(['haproxy.cfg', 'haproxy-l4.cfg'])(
  '%s binds statistics to loopback unless told otherwise',
  (file) => {
    expect(read(file)).toContain('\n  presetenv PROXY_STATS 127.0.0.1:8404\n');
  },
);

it('asks for the certificate by the name of its variable', () => {
  const { status, warnings } = check(['haproxy.cfg', 'tls.cfg']);
  expect(status).not.toBe(0);
  expect(warnings).toContain('PROXY_CERTIFICATE must name a PEM file');
});

it('has the same defaults, nodes and checks in both modes', () => {
  // All that the two share has been copied by hand, and would drift apart in silence.
  const lines = (text: string) => text.split('\n').filter((line) => !/^\s*(#|$)/.test(line));
  const [l7, l4] = [read('haproxy.cfg'), read('haproxy-l4.cfg')];
  const between = (text: string, from: RegExp, to: RegExp) => {
    const start = text.search(from);
    expect(start).toBeGreaterThanOrEqual(0);
    return lines(text.slice(start, start + text.slice(start).search(to)));
  };
  for (const [from, to] of [
    [/^global/m, /^defaults base/m],
    [/^backend nodes /m, /^frontend statistics/m],
  ] as const)
    expect(between(l4, from, to)).toEqual(between(l7, from, to));
  for (const line of [
    /^ {2}(default-server|balance|option redispatch|retries) .*/gm,
    /^ {2}timeout (connect|check|queue|tunnel|.*-fin) .*/gm,
  ])
    expect(l4.match(line)).toEqual(l7.match(line));
});
