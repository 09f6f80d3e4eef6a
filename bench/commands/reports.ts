/**
 * What is done with the figures of earlier runs: `compare` and `page`.
 */
import { readFileSync } from 'node:fs';
import type { Command } from 'commander';
import { compareReports } from '../report/comparison.ts';
import { comparisonRow, howCompared } from '../report/comparison-row.ts';
import { writePage } from '../report/page.ts';
import { parseReport, type Report } from '../report/report.ts';
import { textTable } from '../report/text-table.ts';

export function addReports(program: Command): void {
  program
    .command('compare <before> <after>')
    .description('What changed between two runs of a scenario, from the JSON files that they wrote.')
    .action((before: string, after: string) => printComparison(before, after));

  program
    .command('page <file>')
    .description('Makes the page of a JSON file again.')
    .action((file: string) => console.log(writePage(readReport(file), file)));
}

function readReport(file: string): Report {
  return parseReport(readFileSync(file, 'utf8'), file);
}

function printComparison(before: string, after: string): void {
  const rows = compareReports(readReport(before), readReport(after));
  for (const [metric, ofMetric] of Map.groupBy(rows, (row) => row.metric))
    console.log(`\n${metric}\n${textTable(ofMetric.map(comparisonRow))}`);
  console.log(`\n* before: ${before}, after: ${after}\n* ${howCompared}`);
}
