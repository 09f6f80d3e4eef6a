/**
 * Runs the load generator on Bun for a test: the load as JSON in the first argument, process ids and what was measured
 * as lines of JSON on standard output.
 */
import { generate, type Load } from '../../bench/generator/generator.ts';

const load = JSON.parse(process.argv[2] ?? '') as Load;
const tell = (line: object) => console.log(JSON.stringify(line));

const measurement = await generate(load, { before: (pids) => tell({ pids }), after() {} });
tell({ measurement });
process.exit(0);
