import { expect, test } from 'vitest';
import { pageDataOf } from './page-data.ts';
import { parseReport } from './report.ts';
import { alternated, sampleReport } from './sample-report.ts';

const report = sampleReport([
  ...alternated({ 'bare-bun': {}, 'outcry-bun': { p99: 8 } }, { rate: 100 }),
  ...alternated({ 'bare-bun': {}, 'outcry-bun': { p99: 12, status: 'generator-bound' } }, { rate: 3_000 }),
]);
const data = pageDataOf(report);

test('a page has a chart for each metric of its scenario', () => {
  expect(data.charts.map(({ title }) => title)).toEqual([
    'deliveries/s',
    'p50',
    'p99',
    'p99.9',
    'CPU per delivery',
    'resident memory',
  ]);
});

test('a chart joins both runs of a bare system and marks what does not count for its metric', () => {
  const p99 = data.charts.find(({ title }) => title === 'p99');
  expect(p99).toMatchObject({ at: [100, 3_000], scale: 'messages/s', logarithmic: false });
  expect(p99?.series).toEqual([
    {
      system: 'bare-bun',
      points: [100, 3_000].map(() => ({ value: 10.2, low: 10, high: 10.4, doubtful: false })),
    },
    {
      system: 'outcry-bun',
      points: [
        { value: 8, low: 8, high: 8, doubtful: false },
        { value: 12, low: 12, high: 12, doubtful: true },
      ],
    },
  ]);
  const cpu = data.charts.find(({ title }) => title === 'CPU per delivery');
  expect(cpu?.series[1]?.points.map((point) => point?.doubtful)).toEqual([false, false]);
});

test('CPU does not count where the generator was so late that it sent bursts', () => {
  const late = { status: 'generator-bound', lagP99: 20 } as const;
  const { charts } = pageDataOf(sampleReport([{ system: 'outcry-bun', ...late }]));
  const cpu = charts.find(({ title }) => title === 'CPU per delivery');
  expect(cpu?.series[0]?.points[0]?.doubtful).toBe(true);
});

test('a chart of one load has no scale, and a missing figure leaves no point', () => {
  const { charts } = pageDataOf(
    sampleReport([{ system: 'outcry-bun' }, { system: 'nats', cpu: Number.NaN }]),
  );
  const cpu = charts.find(({ title }) => title === 'CPU per delivery');
  expect(cpu).toMatchObject({ scale: '', at: [100] });
  expect(cpu?.series.map(({ system }) => system)).toEqual(['outcry-bun']);
});

test('rows and bars are marked by their verdict, and counted', () => {
  expect(data.tables.map(({ title }) => title)).toEqual(['100 messages/s']);
  expect(data.tables[0]?.rows.map(({ mark }) => mark)).toEqual(['', 'generator-bound']);
  expect(data.tables[0]?.columns).toEqual(['system', 'verdict', 'p99']);
  expect(data.bars?.rows.map(({ mark }) => mark)).toEqual(['met', 'missed']);
  expect(data.summary).toEqual(['Bars: 1 met, 1 missed.', 'Of 2 rows: 1 generator-bound.']);
});

test('it says what two runs of the same system are apart, by load and metric', () => {
  const table = data.spread;
  expect(table?.columns.slice(0, 2)).toEqual(['load', 'system']);
  expect(table?.rows.map(({ cells }) => cells.slice(0, 2))).toEqual([
    ['100/s', 'bare-bun'],
    ['3,000/s', 'bare-bun'],
  ]);
  expect(table?.rows[0]?.cells[table.columns.indexOf('p99')]).toBe('±4.0 %');
  expect(table?.rows[0]?.cells[table.columns.indexOf('deliveries/s')]).toBe('±0.0 %');
});

test('it says who ran when and how each was started', () => {
  expect(data.order[0]).toEqual({ name: '100/s, round 1', text: 'bare-bun → bare-bun again → outcry-bun' });
  expect(data.order).toHaveLength(4);
  expect(data.commands).toEqual([
    { name: 'bare-bun', text: 'start bare-bun' },
    { name: 'outcry-bun', text: 'start outcry-bun' },
  ]);
});

test('a scenario without loads has bars: idle', () => {
  const raw = { scenario: 'idle', round: 0, system: 'outcry-bun', bare: 'bare-bun', status: 'ok' };
  const { charts, order } = pageDataOf(sampleReport([], { raw: [{ ...raw, userBytes: 2_000 }] }));
  expect(charts.map(({ title }) => title)).toEqual(['user space of a connection']);
  expect(order).toEqual([{ name: 'round 1', text: 'outcry-bun' }]);
});

test('a file that no scenario wrote is refused by name', () => {
  expect(() => parseReport('{"raw":[]}', 'x.json')).toThrow('x.json is not what a scenario writes');
});
