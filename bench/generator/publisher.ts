/**
 * A worker that publishes on an open-loop schedule. It does nothing else, so that nothing keeps it from being on time.
 */
import { encodeIntoCompressedBase64 } from 'hdr-histogram-js';
import { type Dialect, dialects } from './dialect.ts';
import { latencyHistogram, recordMs } from './latency.ts';
import type { FromPublisher, ToPublisher } from './messages.ts';
import { monotonicMs } from './monotonic.ts';
import { writeRecord } from './record.ts';
import { Schedule } from './schedule.ts';
import { BenchWebSocket } from './websocket.ts';

/** The first record is due this long after the order, so that it is not late before it began. */
const leadMs = 20;

let socket: BenchWebSocket | null = null;
let dialect: Dialect = dialects.raw;
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

async function connect({ target, recordBytes }: Extract<ToPublisher, { type: 'connect' }>): Promise<void> {
  dialect = dialects[target.dialect];
  record = Buffer.alloc(recordBytes);
  socket = await BenchWebSocket.open({
    ...target,
    // In a raw room the publisher hears itself; what it hears is not looked at.
    sink: { message() {}, control() {} },
  });
  tell({ type: 'connected' });
}

async function publish({ rate, seconds, first }: Extract<ToPublisher, { type: 'publish' }>): Promise<void> {
  const lag = latencyHistogram();
  const schedule = new Schedule(monotonicMs() + leadMs, rate, seconds);
  const cpuBefore = process.cpuUsage();
  let heldBack = 0;
  while (!schedule.finished) {
    const now = monotonicMs();
    const { from, count } = schedule.take(now);
    if (count > 0) {
      const frames: Buffer[] = [];
      for (let sequence = from; sequence < from + count; sequence += 1) {
        const dueAt = schedule.dueAt(sequence);
        writeRecord(record, first + sequence, dueAt);
        frames.push(dialect.publication(record));
        recordMs(lag, now - dueAt);
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
    lagHistogram: encodeIntoCompressedBase64(lag),
    heldBack,
    cpuSeconds: (user + system) / 1e6,
  });
}
