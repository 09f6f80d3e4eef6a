/**
 * `npm run race`: bare Bun beside Outcry, two nodes each, live, in a page with buttons that kill.
 *
 * The page hears of the race over a third node, with the SDK, and orders over the same: a publication in one channel is
 * how the race stands, one in another is what a page wants.
 */
import { Command } from 'commander';
import { connect } from '../../src/client/index.ts';
import { oneOf, wholeFrom } from '../arguments.ts';
import { textRecords } from '../generator/record.ts';
import { systemNamed } from '../systems/catalogue.ts';
import { outcry } from '../systems/outcry.ts';
import { stopWhenInterrupted } from '../systems/interrupted.ts';
import { Running } from '../systems/running.ts';
import type { Codec } from '../systems/system.ts';
import { servePage } from './page-server.ts';
import { outcryPair, relayedBun, whyNoPair } from './pair.ts';
import { type Lane, Race, type RaceOptions } from './race.ts';
import { fastest, orderIn, slowest } from './standing.ts';

const standingEveryMs = 250;

const running = new Running();
const interrupted = stopWhenInterrupted(running);

const program = new Command('npm run race --')
  .description('Bare Bun publish beside Outcry, with the same feed, in a page. Ctrl-C ends it.')
  .option('--port <n>', 'of the page; 0 takes a free one', wholeFrom(0), 0)
  .option('--clients <n>', 'subscribers of each side', wholeFrom(1), 1_000)
  .option('--rate <n>', `messages a second to begin with, ${slowest} to ${fastest}`, wholeFrom(slowest), 100)
  .option('--size <bytes>', 'bytes of a message', wholeFrom(textRecords.headerBytes), 100)
  .option(
    '--codec <name>',
    'what the subscribers of Outcry speak: raw, json or msgpack',
    oneOf<Codec>('raw', 'json', 'msgpack'),
    'msgpack',
  )
  .option('--history', 'Outcry keeps a history, and its clients take up again where they were')
  .option('--alone', 'one node on each side and no Redis, as where Redis is not installed')
  .action(async ({ port, clients, rate, size, codec, history, alone }) => {
    const whyNoPairs = alone === true ? 'each side is one node, because of --alone' : whyNoPair();
    if (history === true && codec !== 'msgpack') throw new Error('--history goes with --codec msgpack only');
    if (history === true && whyNoPairs !== null)
      throw new Error(`--history needs two nodes on each side: ${whyNoPairs}`);
    const lanes = whyNoPairs === null ? pairs(codec, history === true) : singles(codec);
    await race(port, { clients, recordBytes: size, rate: Math.min(rate, fastest), ...lanes, whyNoPairs });
  });

try {
  await program.parseAsync();
} catch (error) {
  // What was interrupted fails in many ways; the signal's handler has the last word.
  if (interrupted()) await new Promise(() => {});
  await running.stopAll();
  process.stderr.write(`\nrace: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exit(1);
}

/** Two nodes on each side, joined by Redis. */
function pairs(codec: Codec, history: boolean): { left: Lane; right: Lane } {
  return {
    left: {
      name: 'bare Bun, two of them',
      what: "Bun's own publish on two servers, and what a tutorial joins them with: one Redis channel that both publish to and hear, over ioredis as it comes. 16 MB are kept for a slow subscriber",
      runs: { pair: relayedBun },
    },
    right: {
      name: history ? 'Outcry, two nodes, with history' : 'Outcry, two nodes',
      what: `two nodes on Bun, joined by Redis, ${history ? 'that keep the last 10,000 messages in it; whoever comes back asks for what was missed, and what is refused is sent again. Otherwise ' : ''}default settings: 1 MiB is kept for a slow subscriber`,
      runs: { pair: outcryPair(codec, history) },
    },
  };
}

/** One node on each side. */
function singles(codec: Codec): { left: Lane; right: Lane } {
  return {
    left: {
      name: 'bare Bun publish',
      what: "Bun's own publish, default settings: it keeps up to 16 MB for a slow subscriber",
      runs: { alone: systemNamed('bare-bun') },
    },
    right: {
      name: 'Outcry',
      what: 'a node on Bun, default settings: it keeps up to 1 MiB for a slow subscriber',
      runs: { alone: systemNamed(codec === 'raw' ? 'outcry-bun' : `outcry-bun-${codec}`) },
    },
  };
}

async function race(port: number, options: RaceOptions): Promise<void> {
  const page = running.add(servePage(port));
  const feed = outcry('race-feed', '', {
    runtime: 'bun',
    codec: 'json',
    flags: ['--origins', page.origins.join(',')],
  });
  const { publishTo } = await feed.start({ running });
  const url = `ws://${publishTo.host}:${publishTo.port}`;
  const client = connect(url, { name: 'race/1.0' });
  running.add({ stop: () => client.close() });

  const { clients, whyNoPairs } = options;
  if (whyNoPairs !== null) process.stderr.write(`nothing can be killed: ${whyNoPairs}\n`);
  process.stderr.write(`connecting ${clients.toLocaleString('en')} subscribers on each side\n`);
  const race = await Race.start(options, running);
  const orders = client.subscribe('race-orders');
  orders.on('publication', ({ data }) => {
    const order = orderIn(data);
    if (order !== null) race.take(order);
  });
  await orders.ready();
  // One that is lost is followed by the next.
  const tell = () => void client.publish('race', race.standing()).catch(() => {});
  const timer = setInterval(tell, standingEveryMs);
  running.add({ stop: async () => clearInterval(timer) });

  page.feedIsAt(url);
  console.log(`the race is at ${page.url}`);
  await race.run();
}
