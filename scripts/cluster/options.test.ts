import { expect, test } from 'vitest';
import { type ClusterOptions, parseOptions } from './options.ts';

const parse = (line: string, environment = {}) =>
  parseOptions(line.split(' ').filter(Boolean), environment) as ClusterOptions;

test('has four nodes on the ports that the README names', () => {
  expect(parse('')).toEqual({
    order: 'run',
    mode: 'http',
    tls: false,
    port: 8080,
    statsPort: 8404,
    tlsPort: 8443,
    runtimes: ['bun', 'bun', 'bun', 'bun'],
    nodePorts: [9001, 9002, 9003, 9004],
    adminPorts: [9101, 9102, 9103, 9104],
    redisPort: 0,
  });
});

test('takes mode, number and ports', () => {
  expect(parse('--l4 --tls --nodes 2 --port 80 --stats-port 81 --tls-port 443 --base-port 7000')).toEqual({
    order: 'run',
    mode: 'tcp',
    tls: true,
    port: 80,
    statsPort: 81,
    tlsPort: 443,
    runtimes: ['bun', 'bun'],
    nodePorts: [7000, 7001],
    adminPorts: [7100, 7101],
    redisPort: 0,
  });
});

test('puts the nodes on the runtime of the flag, of OUTCRY_RUNTIME, or on both in turn', () => {
  expect(parse('--nodes 2 --runtime node').runtimes).toEqual(['node', 'node']);
  expect(parse('--nodes 2', { OUTCRY_RUNTIME: 'node' }).runtimes).toEqual(['node', 'node']);
  expect(parse('--nodes 1 --runtime bun', { OUTCRY_RUNTIME: 'node' }).runtimes).toEqual(['bun']);
  expect(parse('--nodes 3 --runtime mixed').runtimes).toEqual(['bun', 'node', 'bun']);
  expect(() => parse('--runtime deno')).toThrow(
    '--runtime: "deno" is not allowed; it must be one of bun, node, mixed',
  );
});

test('leaves the choice of all ports of nodes open with 0', () => {
  const { nodePorts, adminPorts } = parse('--nodes 3 --base-port 0');
  expect({ nodePorts, adminPorts }).toEqual({ nodePorts: [0, 0, 0], adminPorts: [0, 0, 0] });
});

test('knows how many nodes the HAProxy configuration has lines for', () => {
  expect(parse('--nodes 8').nodePorts).toHaveLength(8);
  expect(() => parse('--nodes 9')).toThrow(
    '--nodes: "9" is not allowed; it must be a whole number from 1 to 8',
  );
});

test.each([
  '--nodes 0',
  '--nodes x',
  '--port -1',
  '--port 65536',
  '--base-port 1.5',
  '--nodes=',
  '--port 0x1',
])('refuses %s', (line) => {
  expect(() => parse(line)).toThrow(/is not allowed; it must be a whole number from/);
});

test.each(['--what', 'start', '--nodes'])('refuses %s', (line) => {
  expect(() => parse(line)).toThrow(/npm run cluster -- --help lists the flags/);
});

test('explains itself', () => {
  const { help } = parseOptions(['--help']) as { help: string };
  for (const part of ['--nodes <count>', '--runtime <name>', '--l4', '--tls', 'Examples:', 'Exit codes:'])
    expect(help).toContain(part);
});

test('rolls the cluster behind a port, and does nothing else', () => {
  expect(parse('roll --port 80')).toMatchObject({ order: 'roll', port: 80 });
  expect(() => parse('rol')).toThrow('"rol" is not an order');
});
