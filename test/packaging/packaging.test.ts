/**
 * What runs nodes in earnest: systemd, compose, Kubernetes, Prometheus, Grafana, as far as it can be checked without any of them.
 *
 * Names are held against the things that they name: metrics against those of a node, settings against their table, times
 * against the drain that they must leave room for.
 */
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it, onTestFinished } from 'vitest';
import { parse, parseAllDocuments } from 'yaml';
import { loadSettings } from '../../src/config/load-settings.ts';
import { environmentVariableOf, settingKeys, settingsTable } from '../../src/config/settings.ts';
import { Exposition } from '../../src/metrics/exposition.ts';
import { Metrics } from '../../src/metrics/metrics.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));
const packaging = join(root, 'packaging');
const read = (file: string) => readFileSync(join(packaging, file), 'utf8');

/** Every series that a node shows, without its labels. */
const metrics = new Metrics();
metrics.publishToWrite.of('default');
const shown = new Set(
  [...(await new Exposition(metrics).text()).matchAll(/^([a-z_]+)[{ ]/gm)].map(([, name]) => name ?? ''),
);

/** Names in an expression of Prometheus that are metrics of nodes, or of the process. */
function metricsIn(expression: string): string[] {
  return expression.match(/\b(?:outcry|process)_[a-z_]+/g) ?? [];
}

/** Values of labels that an expression asks for with `=` or `!=`, as `reason="full"`. */
function labelsIn(expression: string): [string, string, string][] {
  return [...expression.matchAll(/\b(outcry_[a-z_]+)\{([^}]*)\}/g)].flatMap(([, metric = '', labels = '']) =>
    [...labels.matchAll(/(\w+)!?="([^"$]*)"/g)].map(
      ([, label = '', value = '']): [string, string, string] => [metric, label, value],
    ),
  );
}

const variables = new Set(settingKeys.map(environmentVariableOf));

/** Milliseconds that a drain may take with these settings; the rest is as it is by default. */
function drainMs(set: Readonly<Record<string, unknown>>): number {
  const keys = ['drainDelayMs', 'drainWindowMs', 'shutdownTimeoutMs'] as const;
  return keys.reduce(
    (sum, key) => sum + Number(set[key] ?? set[environmentVariableOf(key)] ?? settingsTable[key].default),
    0,
  );
}

/** `90s`, `5min`, `30` → milliseconds */
function ms(text: string): number {
  const [, count, unit = 's'] = /^(\d+)\s*(s|m|min)?$/.exec(text) ?? [];
  return Number(count) * (unit === 's' ? 1_000 : 60_000);
}

describe('Prometheus', () => {
  interface Rule {
    alert: string;
    expr: string;
    labels: { severity: string };
    annotations: { summary: string; description: string };
  }
  const rules = (
    parse(read('prometheus/outcry-alerts.yml')) as { groups: { rules: Rule[] }[] }
  ).groups.flatMap((group) => group.rules);

  it.each(rules.map((rule) => [rule.alert, rule] as const))('%s asks for what nodes show', (_, rule) => {
    const { expr, labels, annotations } = rule;
    for (const name of metricsIn(expr)) expect(shown, expr).toContain(name);
    for (const [metric, label, value] of labelsIn(expr))
      expect(hasSeries(metric, label, value), `${metric} ${label}=${value}`).toBe(true);
    expect(['page', 'ticket']).toContain(labels.severity);
    expect(annotations.summary).not.toBe('');
    expect(annotations.description).toMatch(/\.$/);
  });

  it('is told of the alerts by the file beside it, once each', () => {
    expect(new Set(rules.map(({ alert }) => alert)).size).toBe(rules.length);
    const { rule_files } = parse(read('prometheus/scrape.yml')) as { rule_files: string[] };
    for (const file of rule_files) expect(existsSync(join(packaging, 'prometheus', file))).toBe(true);
  });

  it('would be caught asking for what is not there', () => {
    expect(metricsIn('rate(outcry_connections_opened[5m])').every((name) => shown.has(name))).toBe(false);
    expect(labelsIn('x + outcry_handshakes_refused_total{reason="fool",job="$job"}')).toEqual([
      ['outcry_handshakes_refused_total', 'reason', 'fool'],
    ]);
    expect(hasSeries('outcry_handshakes_refused_total', 'reason', 'fool')).toBe(false);
  });
});

/** Whether a node could show a series with this label; those that Prometheus adds are always there. */
function hasSeries(metric: string, label: string, value: string): boolean {
  if (['job', 'instance'].includes(label)) return true;
  const known = metrics.all().find(({ name }) => name === metric);
  return (
    known !== undefined && 'values' in known && known.label === label && Object.hasOwn(known.values, value)
  );
}

describe('Grafana', () => {
  interface Panel {
    id: number;
    title: string;
    type: string;
    gridPos: { x: number; y: number; w: number; h: number };
    targets?: { expr: string }[];
  }
  const { panels, templating } = JSON.parse(read('grafana/outcry.json')) as {
    panels: Panel[];
    templating: { list: { name: string }[] };
  };
  const drawn = panels.filter(({ type }) => type !== 'row');

  it.each(drawn.map((panel) => [panel.title, panel] as const))(
    '“%s” asks for what nodes show',
    (_, { targets = [] }) => {
      expect(targets.length).toBeGreaterThan(0);
      for (const { expr } of targets) {
        expect(metricsIn(expr).length, expr).toBeGreaterThan(0);
        for (const name of metricsIn(expr)) expect(shown, expr).toContain(name);
        for (const [metric, label, value] of labelsIn(expr))
          expect(hasSeries(metric, label, value), expr).toBe(true);
      }
    },
  );

  it('has each panel once, in its own place, within the width of the page', () => {
    expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length);
    const taken = new Set<string>();
    for (const { gridPos } of panels) {
      expect(gridPos.x + gridPos.w).toBeLessThanOrEqual(24);
      for (let x = gridPos.x; x < gridPos.x + gridPos.w; x += 1)
        for (let y = gridPos.y; y < gridPos.y + gridPos.h; y += 1) {
          expect(taken.has(`${x} ${y}`), `${x} ${y}`).toBe(false);
          taken.add(`${x} ${y}`);
        }
    }
  });

  it('uses no variable that it does not ask for', () => {
    const known = new Set(templating.list.map(({ name }) => name));
    for (const [, name = ''] of JSON.stringify(panels).matchAll(/\$\{?([a-z]\w*)/g))
      expect(known).toContain(name);
  });
});

describe('systemd', () => {
  const unit = read('systemd/outcry.service');
  const setting = (name: string) => new RegExp(`^${name}=(.*)$`, 'm').exec(unit)?.[1] ?? '';

  it('understands every line', ({ skip }) => {
    const folder = mkdtempSync(join(tmpdir(), 'outcry-unit-'));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    const file = join(folder, 'outcry.service');
    cpSync(join(packaging, 'systemd/outcry.service'), file);
    const { error, stderr } = spawnSync('systemd-analyze', ['verify', '--man=no', file], {
      encoding: 'utf8',
    });
    if (error !== undefined) skip('there is no systemd-analyze here');
    // It is not installed where this runs.
    const complaints = stderr
      .split('\n')
      .filter((line) => /outcry\.service/.test(line) && !/is not executable/.test(line));
    expect(complaints).toEqual([]);
  });

  it('gives a drain the time that the settings beside it take', () => {
    const settings = JSON.parse(read('systemd/outcry.config.json'));
    expect(ms(setting('TimeoutStopSec'))).toBeGreaterThan(drainMs(settings) + 10_000);
  });

  it('comes with settings that a node takes', () => {
    const file = join(packaging, 'systemd/outcry.config.json');
    expect(() => loadSettings({ flags: {}, environment: {}, configFile: file })).not.toThrow();
  });

  it('tells the launcher alone, and gives it the descriptors', () => {
    expect(setting('Type')).toBe('exec');
    expect(setting('KillMode')).toBe('mixed');
    expect(Number(setting('LimitNOFILE'))).toBeGreaterThanOrEqual(1_000_000);
    expect(unit).not.toMatch(/^MemoryDenyWriteExecute=yes/m);
  });
});

describe('compose', () => {
  const folder = join(packaging, 'compose');
  const given = { REDIS_PASSWORD: 'secret', OUTCRY_ADMIN_KEY: 'a key of sixteen and more' };

  function config(env: Record<string, string>) {
    const { PATH = '', HOME = '' } = process.env;
    // Not the folder of the project: whoever tries it has an .env there.
    const empty = mkdtempSync(join(tmpdir(), 'outcry-compose-'));
    onTestFinished(() => rmSync(empty, { recursive: true }));
    writeFileSync(join(empty, 'none'), '');
    const args = ['-f', join(folder, 'docker-compose.yml'), '--env-file', join(empty, 'none'), 'config'];
    return spawnSync('docker-compose', args, { cwd: empty, env: { PATH, HOME, ...env }, encoding: 'utf8' });
  }

  it('is what docker-compose reads, and wants its secrets', () => {
    expect(config({}).status).not.toBe(0);
    const { status, stderr, stdout } = config(given);
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    for (const [, path = ''] of stdout.matchAll(/- (\/\S+):\/usr\/local\/etc\/\S+:ro/g))
      expect(existsSync(path), path).toBe(true);
  });

  it('sets what there is, and leaves a drain its time', () => {
    const { services } = parse(config(given).stdout) as {
      services: Record<
        string,
        { environment: Record<string, string>; stop_grace_period: string; ports?: unknown[] }
      >;
    };
    const nodes = Object.entries(services).filter(([name]) => name.startsWith('node-'));
    expect(nodes.length).toBeGreaterThan(1);
    for (const [name, { environment, stop_grace_period }] of nodes) {
      expect(environment.OUTCRY_NODE_ID).toBe(name);
      for (const variable of Object.keys(environment)) expect(variables, variable).toContain(variable);
      const grace = /^(?:(\d+)m)?(?:(\d+)s)?$/.exec(stop_grace_period);
      const graceMs = (Number(grace?.[1] ?? 0) * 60 + Number(grace?.[2] ?? 0)) * 1_000;
      expect(graceMs).toBeGreaterThan(drainMs(environment) + 10_000);
    }
    const addresses = Object.entries(services.haproxy?.environment ?? {}).filter(([name]) =>
      name.startsWith('NODE_'),
    );
    expect(addresses.map(([, address]) => address).sort()).toEqual(
      nodes.map(([name]) => `${name}:8080`).sort(),
    );
  });

  it('shows operators’ ports to this machine only, and Redis to nobody', () => {
    const { services } = parse(config(given).stdout) as {
      services: Record<string, { ports?: (string | { published?: string | number; host_ip?: string })[] }>;
    };
    const ports = Object.values(services).flatMap((service) => service.ports ?? []);
    const open = ports.filter(
      (port) => !(typeof port === 'string' ? port : (port.host_ip ?? '')).startsWith('127.0.0.1'),
    );
    expect(open).toHaveLength(1);
    expect(services.redis?.ports).toBeUndefined();
  });

  it('names every secret in the example', () => {
    const example = read('compose/example.env');
    for (const name of Object.keys(given)) expect(example).toMatch(new RegExp(`^${name}=$`, 'm'));
  });

  it('runs a Redis that evicts nothing and keeps what it has', () => {
    const lines = read('compose/redis.conf').split('\n');
    for (const line of ['maxmemory-policy noeviction', 'appendonly yes', 'appendfsync everysec'])
      expect(lines).toContain(line);
    expect(lines.some((line) => /^maxmemory \d+/.test(line))).toBe(true);
  });
});

describe('Kubernetes', () => {
  // biome-ignore lint/suspicious/noExplicitAny: manifests of any kind
  const manifests = parseAllDocuments(read('kubernetes/outcry.yaml')).map((document): any => {
    expect(document.errors).toEqual([]);
    return document.toJS();
  });
  const one = (kind: string, name = 'outcry') =>
    manifests.find((manifest) => manifest.kind === kind && manifest.metadata.name === name);
  const pod = one('Deployment').spec.template.spec;
  const [container] = pod.containers;

  it('is of the kinds and versions that clusters know', () => {
    const versions = manifests.map(({ apiVersion, kind }) => `${apiVersion} ${kind}`);
    expect(versions.sort()).toEqual([
      'apps/v1 Deployment',
      'networking.k8s.io/v1 NetworkPolicy',
      'policy/v1 PodDisruptionBudget',
      'v1 ConfigMap',
      'v1 Secret',
      'v1 Service',
      'v1 Service',
    ]);
  });

  it('has every selector match the pods, and every name a thing', () => {
    const labels = one('Deployment').spec.template.metadata.labels;
    for (const selector of [
      one('Deployment').spec.selector.matchLabels,
      one('Service').spec.selector,
      one('Service', 'outcry-admin').spec.selector,
      one('PodDisruptionBudget').spec.selector.matchLabels,
      one('NetworkPolicy').spec.podSelector.matchLabels,
      pod.topologySpreadConstraints[0].labelSelector.matchLabels,
    ])
      expect(labels).toMatchObject(selector);
    const ports = container.ports.map(({ name }: { name: string }) => name);
    for (const service of ['outcry', 'outcry-admin'])
      for (const { targetPort } of one('Service', service).spec.ports) expect(ports).toContain(targetPort);
    for (const probe of ['startupProbe', 'readinessProbe', 'livenessProbe'])
      expect(ports).toContain(container[probe].httpGet.port);
    const secrets = Object.keys(one('Secret').stringData);
    for (const { valueFrom } of container.env)
      if (valueFrom.secretKeyRef) expect(secrets).toContain(valueFrom.secretKeyRef.key);
    const volumes = pod.volumes.map(({ name }: { name: string }) => name);
    for (const { name } of container.volumeMounts) expect(volumes).toContain(name);
  });

  it('asks whether a node is ready, and restarts it only when it is dead', () => {
    expect(container.readinessProbe.httpGet.path).toBe('/health/ready');
    expect(container.livenessProbe.httpGet.path).toBe('/health/live');
  });

  it('sets what there is, and leaves a drain its time', () => {
    const { data } = one('ConfigMap');
    const names = [...Object.keys(data), ...container.env.map(({ name }: { name: string }) => name)];
    for (const name of names) expect(variables).toContain(name);
    const [, seconds] = container.lifecycle.preStop.exec.command;
    const needed = Number(seconds) * 1_000 + drainMs(data) + 10_000;
    expect(pod.terminationGracePeriodSeconds * 1_000).toBeGreaterThan(needed);
  });

  it('never has fewer nodes than it should, and takes one at a time', () => {
    expect(one('Deployment').spec.strategy.rollingUpdate).toEqual({ maxUnavailable: 0, maxSurge: 1 });
    expect(one('PodDisruptionBudget').spec.maxUnavailable).toBe(1);
    expect(one('Deployment').spec.replicas).toBeGreaterThan(1);
  });

  it('runs as the user of the image, with no right that it does not need', () => {
    const user = /^USER (\d+):/m.exec(readFileSync(join(root, 'Dockerfile'), 'utf8'))?.[1];
    expect(pod.securityContext).toMatchObject({ runAsNonRoot: true, runAsUser: Number(user) });
    expect(container.securityContext).toMatchObject({
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ['ALL'] },
    });
  });
});

it('every file of packaging/ is looked at here', () => {
  const files = readdirSync(packaging, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(({ name }) => name)
    .sort();
  expect(files).toEqual([
    'docker-compose.yml',
    'example.env',
    'outcry-alerts.yml',
    'outcry.config.json',
    'outcry.json',
    'outcry.service',
    'outcry.yaml',
    'redis.conf',
    'scrape.yml',
  ]);
});
