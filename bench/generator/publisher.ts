/**
 * A worker that publishes on an open-loop schedule. It does nothing else, so that nothing keeps it from being on time.
 */
import { constants, setPriority } from 'node:os';
import { speak } from './conversation.ts';
import type { Dialect } from './dialect.ts';
import { dialects } from './dialects/catalogue.ts';
import { LatencyCounts } from './latency.ts';
import type { FromPublisher, ToPublisher } from './messages.ts';
import { monotonicMs } from './monotonic.ts';
import { Schedule } from './schedule.ts';
import { ChannelChoice, oneChannel, type Topology } from './topology.ts';
import type { BenchWebSocket } from './websocket.ts';

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
  // In a raw room the publisher hears itself; what it hears is not looked at.
  const ignored = { records() {}, mangled() {} };
  socket = await speak({ target, dialect, channels: [], sink: ignored });
  tell({ type: 'connected' });
}

async function publish({ rate, seconds, run }: Extract<ToPublisher, { type: 'publish' }>): Promise<void> {
  const lag = new LatencyCounts();
  const choice = new ChannelChoice(topology);
  const perChannel = new Array<number>(topology.channels).fill(0);
  const schedule = new Schedule(monotonicMs() + leadMs, rate, seconds);
  const cpuBefore = process.cpuUsage();
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
        frames.push(dialect.publication(record, channel));
        lag.record(now - intendedAt);
      }
      // One write for what is due together: the pieces are the server's to take apart.
      if (socket?.write(Buffer.concat(frames)) !== true) heldBack += 1;
    }
    const wait = schedule.dueAt(from + count) - monotonicMs();
    await new Promise<void>((resolve) => setTimeout(resolve, Math.max(0, wait)));
  }
  const { user, system } = process.cpuUsage(cpuBefore);
  tell({
    type: 'published',
    records: schedule.total,
    perChannel,
    lag: lag.encode(),
    heldBack,
    cpuSeconds: (user + system) / 1e6,
  });
}
