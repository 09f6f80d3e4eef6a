import { expect, it } from 'vitest';
import { type Entry, merged, summaryOf, tablesOf, withTables } from './lab/record.ts';

function entry(id: string, runtime: Entry['runtime'], changes: Partial<Entry> = {}): Entry {
  return {
    id,
    fault: 'a fault',
    runtime,
    size: 'short',
    seed: 1,
    date: '2026-01-02',
    seconds: 9,
    standstillMs: 20,
    waitMs: 30,
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
    lines: [{ what: 'lost silently', seen: '0', wanted: '0', verdict: 'held' }],
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
  const missed = { what: 'ready after', seen: '9000 ms', wanted: '≤ 5000 ms', verdict: 'missed' as const };
  const unjudged = { ...missed, verdict: 'not judged' as const };
  const tables = tablesOf([
    entry('R3', 'bun'),
    entry('R9', 'bun', { kinds: [], lines: [unjudged] }),
    entry('R24', 'node', { kinds: [], lines: [missed] }),
  ]);
  expect(tables).toContain(
    '| R3 | a fault | Bun | plain | 12,345 | 7 | **0** | 1.23 s | – | 1 of 1 | short |',
  );
  expect(tables).toContain('| R24 | a fault | Node | – | – | – | – | – | – | **0 of 1** | short |');
  expect(tables).toContain('| 0 of 1, 1 not judged | short |');
  expect(tables).toMatch(
    /Missed:\n\n- R24 on node: ready after: 9000 ms, wanted ≤ 5000 ms\n\nNot judged, .*:\n\n- R9 on bun: ready after: 9000 ms/,
  );
});

it('the summary has one line for both runtimes, and none where nothing happened', () => {
  const [plain] = entry('R3', 'bun').kinds as [Entry['kinds'][number]];
  const summary = summaryOf([
    entry('R2', 'bun', { kinds: [{ ...plain, lost: 0, signMs: null }] }),
    entry('R3', 'bun'),
    entry('R3', 'node', { kinds: [{ ...plain, lost: 3, lostSilently: 1, caughtUpMs: 2_500 }] }),
    entry('R24', 'bun', { kinds: [] }),
  ]);
  expect(summary.trim().split('\n').slice(2)).toEqual([
    '| a fault | plain | 7 · 2 | **0 · 1** | 1.23 s · 1.23 s | – · 2.50 s |',
  ]);
});

it('only what stands between the markers of the page is replaced', () => {
  const page = 'before\n<!-- figures: npm run faults -->\nold\n<!-- end of figures -->\nafter\n';
  const written = withTables(page, 'new\n');
  expect(written).toBe('before\n<!-- figures: npm run faults -->\n\nnew\n\n<!-- end of figures -->\nafter\n');
  expect(withTables(written, 'new\n')).toBe(written);
  expect(() => withTables('no markers', 'new')).toThrow(/has no markers/);
});
