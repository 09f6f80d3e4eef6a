import { expect, it } from 'vitest';
import { type Entry, merged, tablesOf, withTables } from './lab/record.ts';

function entry(id: string, runtime: Entry['runtime'], changes: Partial<Entry> = {}): Entry {
  return {
    id,
    fault: 'a fault',
    runtime,
    size: 'short',
    seed: 1,
    date: '2026-01-02',
    seconds: 9,
    stallMs: 20,
    kinds: [
      {
        kind: 'plain',
        subscribers: 90,
        heard: 12_345,
        lost: 7,
        lostSilently: 0,
        signMs: 1_234,
        caughtUpMs: null,
      },
    ],
    lines: [{ what: 'lost silently', seen: '0', wanted: '0', holds: true }],
    ...changes,
  };
}

it('a new run replaces that of its scenario and runtime, and nothing else', () => {
  const before = [
    entry('R3', 'bun', { seed: 1 }),
    entry('R3', 'node'),
    entry('R9', 'bun'),
    entry('gone', 'bun'),
  ];
  const after = merged(before, [entry('R3', 'bun', { seed: 2 }), entry('R2', 'node')], ['R2', 'R3', 'R9']);
  expect(after.map(({ id, runtime, seed }) => `${id} ${runtime} ${seed}`)).toEqual([
    'R2 node 1',
    'R3 bun 2',
    'R3 node 1',
    'R9 bun 1',
  ]);
});

it('the tables hold the three columns, and name every line that was missed', () => {
  const missed = { what: 'ready after', seen: '9000 ms', wanted: '≤ 5000 ms', holds: false };
  const tables = tablesOf([entry('R3', 'bun'), entry('R24', 'node', { kinds: [], lines: [missed] })]);
  expect(tables).toContain(
    '| R3 | a fault | Bun | plain | 12,345 | 7 | **0** | 1.23 s | – | 1 of 1 | short |',
  );
  expect(tables).toContain('| R24 | a fault | Node | – | – | – | – | – | – | **0 of 1** | short |');
  expect(tables).toContain('- R24 on node: ready after: 9000 ms, wanted ≤ 5000 ms');
});

it('only what stands between the markers of the page is replaced', () => {
  const page = 'before\n<!-- figures: npm run faults -->\nold\n<!-- end of figures -->\nafter\n';
  const written = withTables(page, 'new\n');
  expect(written).toBe('before\n<!-- figures: npm run faults -->\n\nnew\n\n<!-- end of figures -->\nafter\n');
  expect(withTables(written, 'new\n')).toBe(written);
  expect(() => withTables('no markers', 'new')).toThrow(/has no markers/);
});
