/**
 * A worker that holds many subscribers and accounts for everything that they get.
 */
import { speak } from './conversation.ts';
import { dialects } from './dialects/catalogue.ts';
import type { FromReceiver, Target, ToReceiver } from './messages.ts';
import { monotonicMs } from './monotonic.ts';
import { StallWatch } from './stall-watch.ts';
import { Tally } from './tally.ts';
import { channelsOf } from './topology.ts';

/** How often the parent hears how many deliveries there were: that is how it knows when nothing more comes. */
const progressEveryMs = 50;

/** The channels of each connection. */
const subscriptions: number[][] = [];
const stalls = new StallWatch();
let accounts: Pick<ConstructorParameters<typeof Tally>[0], 'form' | 'recordBytes'> | null = null;
let tally: Tally | null = null;
let closed = 0;
let cpuAtBegin = process.cpuUsage();

function tell(message: FromReceiver): void {
  process.send?.(message);
}

process.on('message', (message: ToReceiver) => {
  if (message.type === 'connect')
    connect(message).catch((error: Error) => tell({ type: 'failed', reason: error.message }));
  else if (message.type === 'begin') begin(message);
  else report(message.published);
});
process.on('disconnect', () => process.exit(0));
// Ctrl-C reaches every process of a terminal; the parent ends this one.
process.on('SIGINT', () => {});

type Connect = Extract<ToReceiver, { type: 'connect' }>;

async function connect(order: Connect): Promise<void> {
  const { targets, recordBytes, topology, connections, firstSubscriber } = order;
  const cpuBefore = process.cpuUsage();
  const startedAt = monotonicMs();
  const [{ dialect }] = targets as [Target];
  accounts = { form: dialects[dialect](recordBytes).form, recordBytes };
  let opened = 0;
  const open = async (): Promise<void> => {
    while (opened < connections) {
      const channels = channelsOf(topology, firstSubscriber + opened);
      opened += 1;
      await openOne(order, subscriptions.push(channels) - 1, channels);
    }
  };
  await Promise.all(Array.from({ length: order.parallel }, open));
  tell({
    type: 'connected',
    seconds: (monotonicMs() - startedAt) / 1_000,
    cpuSeconds: cpuSecondsSince(cpuBefore),
  });
}

async function openOne(
  { targets, recordBytes, firstSubscriber, localAddresses }: Connect,
  index: number,
  channels: readonly number[],
): Promise<void> {
  const target = targets[(firstSubscriber + index) % targets.length] as Target;
  await speak({
    target,
    dialect: dialects[target.dialect](recordBytes),
    channels,
    localAddress: localAddresses[index % localAddresses.length],
    sink: {
      // A look at the clock for each message: one that was older would date it back.
      records: (bytes, offset, count, stride) =>
        tally?.records(index, bytes, offset, count, stride, monotonicMs()),
      mangled: () => tally?.mangled(),
    },
    closed() {
      closed += 1;
    },
  });
}

/** What comes from now on counts, and what is used from now on is used for reading. */
function begin({ run }: Extract<ToReceiver, { type: 'begin' }>): void {
  if (accounts === null) return;
  if (tally === null) setInterval(tellProgress, progressEveryMs);
  tally = new Tally({ ...accounts, run, subscriptions });
  told = 0;
  stalls.reset();
  cpuAtBegin = process.cpuUsage();
  tell({ type: 'begun' });
}

let told = 0;
function tellProgress(): void {
  if (tally === null || tally.deliveries === told) return;
  told = tally.deliveries;
  tell({ type: 'progress', deliveries: told });
}

function report(published: readonly number[]): void {
  if (tally === null) return;
  tell({
    type: 'report',
    counts: tally.counts(published),
    closed,
    latency: tally.latency.encode(),
    cpuSeconds: cpuSecondsSince(cpuAtBegin),
    longestStallMs: stalls.longestMs,
  });
}

function cpuSecondsSince(before: NodeJS.CpuUsage): number {
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1e6;
}
