/**
 * `publish`: what a request to publish costs over HTTP, beside a bare server that parses the same body.
 *
 * The load comes from autocannon, in a process of its own on Node. Each round runs the bare server, the node, and the bare
 * server again, the next round in reverse order; what the two runs of the bare one are apart is the spread.
 */
import { execFile } from 'node:child_process';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { Child } from '../../scripts/cluster/child.ts';
import { outcomeOf } from '../report/bar.ts';
import { ratioCell, spreadCell } from '../report/cells.ts';
import type { Reporter } from '../report/reporter.ts';
import { cpuSecondsOf } from '../systems/process-usage.ts';
import type { Running } from '../systems/running.ts';
import { Alternation, type Turn } from './alternation.ts';

const connections = 50;
const bodyBytes = 100;
/** CPU of a request to the API, as a multiple of one to the bare server. */
const maxCpuRatio = 1.25;
const warmUpSeconds = 2;

const autocannon = createRequire(import.meta.url).resolve('autocannon');
const source = (path: string) => fileURLToPath(new URL(path, import.meta.url));
const run = promisify(execFile);

export interface PublishOptions {
  rounds: number;
  seconds: number;
}

interface Server {
  name: string;
  bare: string;
  child: Child;
  url: string;
}

interface Run {
  cpuMicrosPerRequest: number;
  requestsPerSecond: number;
  p99Ms: number;
}

export async function publish(
  { rounds, seconds }: PublishOptions,
  running: Running,
  reporter: Reporter,
): Promise<void> {
  const bare = await start('bare-http', [source('../baselines/bare-http.ts')], ({ port }) => port, running);
  const node = await start(
    'outcry-bun',
    [source('../../src/main.ts'), 'serve', '--port', '0', '--admin-port', '0', '--log-format', 'json'],
    ({ adminPort }) => adminPort,
    running,
  );
  for (const server of [bare, node]) await load(server, warmUpSeconds);

  const alternation = new Alternation<Run, Server>([bare, node]);
  await alternation.run(rounds, async ({ name, system }, round) => {
    reporter.progress(`publish: round ${round + 1} of ${rounds}, ${name}`);
    const measured = await load(system, seconds);
    reporter.raw({ scenario: 'publish', round, system: name, ...measured });
    return measured;
  });
  for (const turn of alternation.turns) addRow(turn, alternation, reporter);
  for (const turn of alternation.turns.filter(({ system }) => system === node))
    addBar(turn, alternation, reporter);
}

interface Listening {
  msg?: string;
  port?: number;
  adminPort?: number;
}

async function start(
  name: string,
  args: readonly string[],
  portOf: (fields: Listening) => number | undefined,
  running: Running,
): Promise<Server> {
  return await new Promise((resolve, reject) => {
    const child: Child = new Child({
      name,
      // The suite itself runs on Bun.
      file: process.execPath,
      args,
      onLine(line) {
        const fields = fieldsOf(line);
        const port = fields.msg?.startsWith('listening') === true ? portOf(fields) : undefined;
        if (port !== undefined)
          resolve({ name, bare: 'bare-http', child, url: `http://127.0.0.1:${port}/api/publish` });
      },
    });
    running.add(child);
    void child.exited.then(() => reject(new Error(`${name} ended:\n${child.lines.join('\n')}`)));
  });
}

async function load({ name, child, url }: Server, seconds: number): Promise<Run> {
  const before = cpuSecondsOf([child.pid]);
  const { stdout } = await run(process.env.npm_node_execpath ?? 'node', [
    autocannon,
    ...['--json', '--no-progress', '-c', String(connections), '-d', String(seconds)],
    ...['-m', 'POST', '-H', 'Content-Type=application/json', '-b', body(), url],
  ]);
  const cpuSeconds = cpuSecondsOf([child.pid]) - before;
  const { '2xx': answered, non2xx, errors, duration, latency } = JSON.parse(stdout);
  if (non2xx > 0 || errors > 0 || answered === 0)
    throw new Error(`${name}: ${answered} requests were answered, ${non2xx} refused, ${errors} failed`);
  return {
    cpuMicrosPerRequest: (cpuSeconds / answered) * 1e6,
    requestsPerSecond: answered / duration,
    p99Ms: latency.p99,
  };
}

function addRow(turn: Turn<Server>, alternation: Alternation<Run, Server>, reporter: Reporter): void {
  const { ratio, spread } = alternation.compare(turn, (run) => run.cpuMicrosPerRequest);
  const of = (pick: (run: Run) => number, digits = 0) => alternation.median(turn, pick).toFixed(digits);
  reporter.row(`POST /api/publish, ${bodyBytes} bytes of JSON, ${connections} connections`, {
    system: turn.name,
    'CPU µs/request': of((run) => run.cpuMicrosPerRequest, 1),
    '× bare': ratioCell(ratio),
    'A/A': spreadCell(spread),
    'requests/s': of((run) => run.requestsPerSecond),
    'p99 ms': of((run) => run.p99Ms),
  });
}

function addBar(turn: Turn<Server>, alternation: Alternation<Run, Server>, reporter: Reporter): void {
  const { ratio, spread } = alternation.compare(turn, (run) => run.cpuMicrosPerRequest);
  reporter.row('bars', {
    bar: `${turn.name}: CPU per request at most ${maxCpuRatio} × ${turn.system.bare}`,
    figure: ratioCell(ratio),
    'A/A': spreadCell(spread),
    // Every request of a run was answered, or the run has failed.
    outcome: outcomeOf({ figure: ratio, limit: maxCpuRatio, spread, counts: true }),
  });
}

function body(): string {
  const start = '{"channel":"chat","json":{"text":"';
  const end = '"}}';
  return `${start}${'x'.repeat(bodyBytes - start.length - end.length)}${end}`;
}

function fieldsOf(line: string): Listening {
  try {
    return JSON.parse(line);
  } catch {
    return {};
  }
}
