import { expect, it } from 'vitest';
import { type FaultsOptions, parseOptions } from './lab/options.ts';

const parse = (line: string) => parseOptions(line.split(' ').filter(Boolean), ['R3', 'R4']) as FaultsOptions;

it('runs everything on both runtimes unless told otherwise', () => {
  expect(parse('')).toMatchObject({
    short: false,
    long: false,
    minutes: 30,
    only: [],
    runtimes: ['bun', 'node'],
    kinds: null,
    write: true,
  });
  expect(parse('--short --only R4,R3 --runtime node --kind plain --seed 7 --no-write')).toEqual({
    short: true,
    long: false,
    minutes: 30,
    only: ['R4', 'R3'],
    runtimes: ['node'],
    kinds: ['plain'],
    seed: 7,
    write: false,
  });
});

it.each([
  '--only R5',
  '--long --minutes 0',
  '--minutes soon',
  '--runtime deno',
  '--kind odd',
  '--seed x',
  '--what',
  'R3',
])('refuses %s', (line) => {
  expect(() => parse(line)).toThrow(/is not allowed; it must be|npm run faults -- --help lists the flags/);
});

it('explains itself', () => {
  const { help } = parseOptions(['--help'], ['R3', 'R4']) as { help: string };
  for (const part of ['--short', '--only <ids>', 'R3, R4', '--runtime <name>', 'Exit codes:'])
    expect(help).toContain(part);
});
