/**
 * The page of a report: one file that needs nothing else, neither the network nor, for its tables, a script.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import type { Chart, Point } from './chart.ts';
import { html, jsonForScript, Markup } from './markup.ts';
import { type PageData, type PageTable, pageDataOf, type Term } from './page-data.ts';
import type { Report } from './report.ts';
import { compactNumber } from './compact-number.ts';

const require = createRequire(import.meta.url);

/** Writes it beside the JSON file and returns its path. */
export function writePage(report: Report, jsonFile: string): string {
  const file = jsonFile.replace(/(\.json)?$/, '.html');
  writeFileSync(file, pageOf(pageDataOf(report)));
  return file;
}

function pageOf(data: PageData): string {
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:">
<title>${data.scenario} – Outcry benchmark</title>
<link rel="icon" href="data:image/svg+xml;base64,${icon().toString('base64')}">
<style>${asset('uplot/dist/uPlot.min.css')}</style>
<style>${own('./page/paper.css')}${own('./page/page.css')}</style>
</head>
<body>
<header class="masthead">
<h1 class="wordmark">${new Markup(icon().toString())}<span>Outcry <i>${data.scenario}</i></span></h1>
<p class="facts"><time datetime="${data.startedAt}">${data.startedAt.slice(0, 16).replace('T', ' ')} UTC</time></p>
</header>
<main>
<p class="command"><code>${data.command}</code></p>
${data.summary.map((sentence) => html`<p class="summary">${sentence}</p>`)}
${data.charts.length === 0 ? null : chartsSection(data.charts)}
${data.bars === null ? null : html`<section><h2>Bars</h2>${tableOf(data.bars)}</section>`}
<section><h2>Tables</h2>
${data.tables.map((table) => html`<h3>${table.title}</h3>${tableOf(table)}`)}
</section>
${data.spread === null ? null : spreadSection(data.spread)}
${data.notes.length === 0 ? null : html`<section><h2>Notes</h2><ul class="notes">${data.notes.map((note) => html`<li>${note}</li>`)}</ul></section>`}
<section><h2>How it was run</h2>
<div class="terms">
<div><h3>Machine</h3>${termsOf(data.machine)}</div>
<div><h3>Versions</h3>${termsOf(data.versions)}</div>
</div>
${data.commands.length === 0 ? null : html`<details><summary>How each system was started</summary>${termsOf(data.commands)}</details>`}
${data.order.length === 0 ? null : html`<details><summary>Order of the runs</summary>${termsOf(data.order)}</details>`}
</section>
</main>
<script type="application/json" id="charts">${jsonForScript(data.charts)}</script>
<script>${asset('uplot/dist/uPlot.iife.min.js')}</script>
<script type="module">${own('./page/charts.js')}</script>
</body>
</html>
`.text;
}

function chartsSection(charts: readonly Chart[]): Markup {
  const systems = [...new Set(charts.flatMap(({ series }) => series.map(({ system }) => system)))];
  const colour = (system: string) => `--colour: var(--series-${systems.indexOf(system) + 1})`;
  const lines = charts.some(({ at }) => at.length > 1);
  return html`<section><h2>Charts</h2>
<ul class="legend">${systems.map((system) => html`<li style="${colour(system)}">${system}</li>`)}</ul>
<p class="caption">Medians over the rounds. Hollow: a run behind it does not count for this metric, because the generator was the limit, the system fell behind, or something was lost.</p>
${lines ? html`<noscript><p class="caption">The lines are drawn by a script; the tables below hold the same figures.</p></noscript>` : null}
<div class="charts">
${charts.map(
  (chart, index) => html`<figure class="chart" data-metric="${chart.title}">
<figcaption><b>${chart.title}</b> <span>${[chart.unit, `${chart.better} is better`].filter(Boolean).join(', ')}</span></figcaption>
${chart.at.length > 1 ? html`<div class="plot" data-chart="${index}"></div><p class="readout"></p>` : barsOf(chart, colour)}
</figure>`,
)}
</div></section>`;
}

/** One load only: bars need no script. */
function barsOf({ series }: Chart, colour: (system: string) => string): Markup {
  const bars = series.flatMap(({ system, points }) => (points[0] ? [{ system, point: points[0] }] : []));
  const largest = Math.max(...bars.map(({ point }) => point.value));
  return html`<table class="bars"><tbody>${bars.map(
    ({
      system,
      point,
    }) => html`<tr style="${colour(system)}; --share: ${share(point, largest)}%" title="${rangeOf(point)}">
<th scope="row">${system}</th><td class="bar${point.doubtful ? ' doubtful' : ''}"><span></span></td><td class="value">${compactNumber(point.value)}</td></tr>`,
  )}</tbody></table>`;
}

function share({ value }: Point, largest: number): string {
  return largest > 0 ? Math.max(0, (value / largest) * 100).toFixed(1) : '0';
}

function rangeOf({ low, high, doubtful }: Point): string {
  return `${compactNumber(low)} to ${compactNumber(high)}${doubtful ? '; does not count' : ''}`;
}

function spreadSection(table: PageTable): Markup {
  return html`<section><h2>A/A</h2>
<p class="caption">What two runs of the same bare system in the same round are apart, in the middle of the rounds. A smaller difference means nothing.</p>
${tableOf(table)}</section>`;
}

function tableOf({ columns, rows }: PageTable): Markup {
  return html`<div class="scroll" tabindex="0"><table>
<thead><tr>${columns.map((name) => html`<th scope="col">${name}</th>`)}</tr></thead>
<tbody>${rows.map(
    ({ cells, mark }) =>
      html`<tr${mark === '' ? null : html` data-mark="${mark}"`}>${cells.map((cell, column) => cellOf(cell, column, columns))}</tr>`,
  )}</tbody></table></div>`;
}

function cellOf(cell: string, column: number, columns: readonly string[]): Markup {
  if (column === 0) return html`<th scope="row">${cell}</th>`;
  const isMark = columns[column] === 'outcome' || columns[column] === 'verdict';
  return isMark ? html`<td><span class="mark">${cell}</span></td>` : html`<td>${cell}</td>`;
}

function termsOf(terms: readonly Term[]): Markup {
  return html`<dl>${terms.map(({ name, text }) => html`<div><dt>${name}</dt><dd>${text}</dd></div>`)}</dl>`;
}

function icon(): Buffer {
  return readFileSync(new URL('../../src/demo/icon.svg', import.meta.url));
}

/** A file of a package, to stand in a `<script>` or `<style>`. */
function asset(path: string): Markup {
  return new Markup(readFileSync(require.resolve(path), 'utf8'));
}

function own(path: string): Markup {
  return new Markup(readFileSync(fileURLToPath(new URL(path, import.meta.url)), 'utf8'));
}
