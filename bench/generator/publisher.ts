/**
 * A worker that publishes on an open-loop schedule. It does nothing else, so that nothing keeps it from being on time.
 */
import { randomUUID } from 'node:crypto';
import { constants, setPriority } from 'node:os';
import { Confirming } from './confirming.ts';
import { speak } from './conversation.ts';
import type { Dialect } from './dialect.ts';
import { dialects } from './dialects/catalogue.ts';
import { LatencyCounts } from './latency.ts';
import type { FromPublisher, ToPublisher } from './messages.ts';
import { monotonicMs } from './monotonic.ts';
import { Schedule } from './schedule.ts';
import { ChannelChoice, oneChannel, type Topology } from './topology.ts';
import type { BenchWebSocket } from './websocket.ts';

/** What was refused is tried again after this long. */
const retryMs = 100;
/** What is still unanswered this long after the last record is not waited for. */
const maxSettleMs = 10_000;

/** The first record is due this long after the order, so that it is not late before it began. */
const leadMs = 20;

// It needs little of a core, but at once: servers and receivers take all that there is. Only root may ask for it; for
// others the schedule is kept as well as the machine lets it, and the verdict says how well that was.
try {
  setPriority(constants.priority.PRIORITY_HIGHEST);
} catch {}

let socket: BenchWebSocket | null = null;
let dialect: Dialect = dialects.raw(0);
let topology: Topology = oneChannel;
let record: Buffer = Buffer.alloc(0);
/** Where publications are answered. */
let confirming: Confirming | null = null;
let lastId = 0;
/** What was taken once is not taken again, by whichever publisher: a key tells it from those of all others. */
const keyPrefix = randomUUID();

function tell(message: FromPublisher): void {
  process.send?.(message);
}

process.on('message', (message: ToPublisher) => {
  const fail = (error: Error) => tell({ type: 'failed', reason: error.message });
  if (message.type === 'connect') connect(message).catch(fail);
  else publish(message).catch(fail);
});
process.on('disconnect', () => process.exit(0));
// Ctrl-C reaches every process of a terminal; the parent ends this one.
process.on('SIGINT', () => {});

async function connect(order: Extract<ToPublisher, { type: 'connect' }>): Promise<void> {
  const { target, recordBytes } = order;
  topology = order.topology;
  dialect = dialects[target.dialect](recordBytes);
  record = Buffer.alloc(recordBytes);
  socket = await speak({
    target,
    dialect,
    channels: [],
    // In a raw room the publisher hears itself; what it hears is not looked at.
    sink: { records() {}, mangled() {}, answered: (id, taken) => confirming?.answered(id, taken) },
  });
  const { confirmedPublication } = dialect;
  if (confirmedPublication !== undefined)
    confirming = new Confirming({
      write: (frame) => void socket?.write(frame),
      retryMs,
      after: (ms, callBack) => void setTimeout(callBack, ms),
    });
  tell({ type: 'connected' });
}

async function publish({ rate, seconds, run }: Extract<ToPublisher, { type: 'publish' }>): Promise<void> {
  const lag = new LatencyCounts();
  const choice = new ChannelChoice(topology);
  const perChannel = new Array<number>(topology.channels).fill(0);
  const schedule = new Schedule(monotonicMs() + leadMs, rate, seconds);
  const cpuBefore = process.cpuUsage();
  const refusedBefore = confirming?.refused ?? 0;
  let heldBack = 0;
  while (!schedule.finished) {
    const now = monotonicMs();
    const { from, count } = schedule.take(now);
    if (count > 0) {
      const frames: Buffer[] = [];
      for (let number = from; number < from + count; number += 1) {
        const intendedAt = schedule.dueAt(number);
        const channel = choice.next();
        const sequence = perChannel[channel] as number;
        perChannel[channel] = sequence + 1;
        dialect.form.write(record, { sequence, intendedAt, channel, run });
        if (confirming === null) frames.push(dialect.publication(record, channel));
        else publishConfirmed(confirming, channel);
        lag.record(now - intendedAt);
      }
      // One write for what is due together: the pieces are the server's to take apart.
      if (frames.length > 0 && socket?.write(Buffer.concat(frames)) !== true) heldBack += 1;
    }
    const wait = schedule.dueAt(from + count) - monotonicMs();
    await new Promise<void>((resolve) => setTimeout(resolve, Math.max(0, wait)));
  }
  await untilSettled();
  const { user, system } = process.cpuUsage(cpuBefore);
  tell({
    type: 'published',
    records: schedule.total,
    perChannel,
    lag: lag.encode(),
    heldBack,
    refused: (confirming?.refused ?? 0) - refusedBefore,
    cpuSeconds: (user + system) / 1e6,
  });
}

function publishConfirmed(confirming: Confirming, channel: number): void {
  const id = ++lastId;
  const frame = dialect.confirmedPublication?.(record, channel, id, `${keyPrefix}-${id}`);
  if (frame !== undefined) confirming.publish(id, frame);
}

async function untilSettled(): Promise<void> {
  const giveUpAt = monotonicMs() + maxSettleMs;
  while (confirming !== null && !confirming.isSettled && monotonicMs() < giveUpAt)
    await new Promise((resolve) => setTimeout(resolve, 10));
}
