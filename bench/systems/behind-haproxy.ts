/**
 * A system whose clients come through HAProxy, in the configurations that this project ships.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { makeCertificate } from '../../scripts/cluster/certificate.ts';
import { haproxyIsReady, spawnHaproxy } from '../../scripts/cluster/haproxy.ts';
import { freePorts } from '../../scripts/cluster/ports.ts';
import type { Target } from '../generator/messages.ts';
import { haproxy, missingOf, openssl } from './debian.ts';
import { withChildren } from './process-usage.ts';
import type { RunningSystem, StartOptions, System } from './system.ts';

/** As a balancer of bytes, of requests, and of requests that come encrypted. */
export type Way = 'l4' | 'l7' | 'tls';

export function behindHaproxy(name: string, bare: string, inner: System, way: Way): System {
  return {
    ...inner,
    ...{ name, bare },
    missing: () => inner.missing() ?? missingOf(name, way === 'tls' ? [haproxy, openssl] : [haproxy]),
    start: (options) => start(inner, way, options),
  };
}

async function start(inner: System, way: Way, options: StartOptions): Promise<RunningSystem> {
  const { running } = options;
  const started = await inner.start(options);
  const folder = mkdtempSync(join(tmpdir(), 'outcry-bench-'));
  const files = running.add({ stop: async () => rmSync(folder, { recursive: true, force: true }) });
  const [port, statsPort, tlsPort] = (await freePorts(3)) as [number, number, number];
  const proxy = running.add(
    spawnHaproxy({
      mode: way === 'l4' ? 'tcp' : 'http',
      ...{ port, statsPort, nodePorts: started.subscribeTo.map((target) => target.port) },
      tls: way === 'tls' ? { port: tlsPort, certificate: makeCertificate(folder) } : undefined,
    }),
  );
  await haproxyIsReady(proxy, statsPort);
  const [first] = started.subscribeTo as [Target];
  const target = way === 'tls' ? { ...first, port: tlsPort, tls: true } : { ...first, port };
  return {
    ...started,
    publishTo: target,
    subscribeTo: [target],
    around: { ...started.around, HAProxy: withChildren(proxy.pid) },
    async stop() {
      await running.stop(proxy);
      await started.stop();
      await running.stop(files);
    },
  };
}
