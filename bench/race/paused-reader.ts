/**
 * The worker behind `pausing.ts`: one connection that reads or does not, and one that publishes for it on schedule.
 */
import { speak } from '../generator/conversation.ts';
import { dialects } from '../generator/dialects/catalogue.ts';
import type { Target } from '../generator/messages.ts';
import { monotonicMs } from '../generator/monotonic.ts';
import { Schedule } from '../generator/schedule.ts';
import { Tally } from '../generator/tally.ts';
import type { BenchWebSocket } from '../generator/websocket.ts';
import type { FromReader, ToReader } from './pausing.ts';

const recordBytes = 8_192;
const ratePerSecond = 1_000;
/** What comes after the pause shows the hole: without it a loss would be the end of the stream. */
const secondsAfter = 1;
/** Nothing has come for this long: nothing will. */
const quietMs = 1_000;
/** Not the channel of everybody else. */
const channel = 1;
const run = 0;

function tell(message: FromReader): void {
  process.send?.(message);
}

process.on('message', (order: ToReader) => {
  pause(order).catch((error: Error) => tell({ type: 'failed', reason: error.message }));
});
process.on('disconnect', () => process.exit(0));
// Ctrl-C reaches every process of a terminal; the parent ends this one.
process.on('SIGINT', () => {});

async function pause({ target, seconds }: ToReader): Promise<void> {
  const dialect = dialects[target.dialect](recordBytes);
  const tally = new Tally({ form: dialect.form, recordBytes, run, subscriptions: [[channel]] });
  const own = ownRoomOf(target);
  let cutOff = false;
  let told = false;
  let lastAt = monotonicMs();
  const reader = await speak({
    target: own,
    dialect,
    channels: [channel],
    sink: {
      records(bytes, offset, count, stride) {
        lastAt = monotonicMs();
        tally.records(0, bytes, offset, count, stride, lastAt);
      },
      mangled() {},
      gap() {
        told = true;
      },
    },
    closed() {
      cutOff = true;
    },
  });
  const publisher = await speak({ target: own, dialect, channels: [], sink: { records() {}, mangled() {} } });

  reader.stopReading();
  const during = await publish(publisher, dialect, 0, seconds);
  reader.readAgain();
  lastAt = monotonicMs();
  const after = await publish(publisher, dialect, during, secondsAfter);
  while (!cutOff && tally.deliveries < during + after && monotonicMs() - lastAt < quietMs)
    await new Promise((resolve) => setTimeout(resolve, 20));

  const published = during + after;
  const { deliveries, gaps, tail } = tally.counts([0, published]);
  tell({ type: 'read', published, received: deliveries, lost: gaps + tail, cutOff, told });
}

/** Returns how many records that were. */
async function publish(
  socket: BenchWebSocket,
  dialect: ReturnType<(typeof dialects)['raw']>,
  first: number,
  seconds: number,
): Promise<number> {
  const record = Buffer.alloc(recordBytes);
  const schedule = new Schedule(monotonicMs(), ratePerSecond, seconds);
  while (!schedule.finished) {
    const { from, count } = schedule.take(monotonicMs());
    for (let number = from; number < from + count; number += 1) {
      const header = { sequence: first + number, intendedAt: schedule.dueAt(number), channel, run };
      dialect.form.write(record, header);
      socket.write(dialect.publication(record, channel));
    }
    const waitMs = schedule.dueAt(from + count) - monotonicMs();
    await new Promise((resolve) => setTimeout(resolve, Math.max(0, waitMs)));
  }
  return schedule.total;
}

/** A raw connection is in the room that its path names. */
function ownRoomOf(target: Target): Target {
  return target.dialect === 'raw' ? { ...target, path: `${target.path}-paused` } : target;
}
