/**
 * A worker that holds many latecomers: lets them come, leave and catch up, and takes the time of each.
 */
import type { Target } from '../messages.ts';
import { monotonicMs } from '../monotonic.ts';
import { SeenRecordsMemory } from '../seen-records.ts';
import { resumptionIn } from './catalogue.ts';
import { Latecomer } from './latecomer.ts';
import type { FromLatecomers, ToLatecomers } from './messages.ts';
import type { Faults } from './progress.ts';

/** Nothing has come for this long: nothing will. */
const quietMs = 5_000;
const lookEveryMs = 5;
/** Who is turned away waits so long, and up to as long again, before the next attempt. */
const comeBackMs = 200;
const maxAttempts = 50;

type Come = Extract<ToLatecomers, { type: 'come' }>;
type CatchUp = Extract<ToLatecomers, { type: 'catch up' }>;

const latecomers: Latecomer[] = [];
let order: Come | null = null;
let newsAt = monotonicMs();
let wireBytes = 0;
let turnedAway = 0;

function tell(message: FromLatecomers): void {
  process.send?.(message);
}

process.on('message', (message: ToLatecomers) => {
  obey(message).catch((error: Error) => tell({ type: 'failed', reason: error.message }));
});
process.on('disconnect', () => process.exit(0));
// Ctrl-C reaches every process of a terminal; the parent ends this one.
process.on('SIGINT', () => {});

async function obey(message: ToLatecomers): Promise<void> {
  switch (message.type) {
    case 'come':
      return await come(message);
    case 'wait':
      await must('heard what was said', () =>
        latecomers.every(({ progress }) => progress.next >= message.records),
      );
      return tell({ type: 'waited' });
    case 'leave':
      for (const latecomer of latecomers) latecomer.leave();
      await must('could leave', () => latecomers.every(({ isOpen }) => !isOpen));
      return tell({ type: 'left' });
    case 'catch up':
      return await catchUp(message);
  }
}

async function come(message: Come): Promise<void> {
  const { targets, recordBytes, connections, channels, first, localAddresses, joining } = message;
  order = message;
  const [{ dialect }] = targets as [Target];
  const resumption = resumptionIn(dialect, recordBytes);
  const seen = new SeenRecordsMemory(resumption.form, recordBytes);
  const reading = { form: resumption.form, recordBytes, seen };
  for (let index = 0; index < connections; index += 1)
    latecomers.push(
      new Latecomer({
        ...{ resumption, reading, channel: (first + index) % channels },
        localAddress: localAddresses[index % localAddresses.length],
        onNews() {
          newsAt = monotonicMs();
        },
        arrived(bytes) {
          wireBytes += bytes;
        },
      }),
    );
  await allCome(targets, joining);
  await must('got in', () => latecomers.every(({ isOpen, inAt }) => (joining ? inAt !== null : isOpen)));
  tell({ type: 'here' });
}

async function catchUp({ targets, records, startedAt }: CatchUp): Promise<void> {
  const cpuBefore = process.cpuUsage();
  wireBytes = 0;
  turnedAway = 0;
  newsAt = monotonicMs();
  for (const latecomer of latecomers) {
    latecomer.expects(records);
    if (latecomer.isOpen) latecomer.join();
  }
  const coming = allCome(targets, true);
  await until(() => latecomers.every(({ hasAllAt, refused }) => refused || hasAllAt !== null));
  await coming;
  for (const { progress } of latecomers) progress.ended(records);
  const { user, system } = process.cpuUsage(cpuBefore);
  const times = (of: (latecomer: Latecomer) => number | null) =>
    latecomers
      .map(of)
      .filter((at) => at !== null)
      .map((at) => at - startedAt);
  const sum = (of: (faults: Faults) => number) =>
    latecomers.reduce((total, { progress }) => total + of(progress.faults), 0);
  tell({
    type: 'caught up',
    afterMs: times(({ hasAllAt }) => hasAllAt),
    inAfterMs: times(({ inAt }) => inAt),
    refused: latecomers.filter(({ refused }) => refused).length,
    cutOff: latecomers.filter(({ cutOff }) => cutOff).length,
    ...{ turnedAway, wireBytes, cpuSeconds: (user + system) / 1e6 },
    lost: sum(({ lost }) => lost),
    twice: sum(({ twice }) => twice),
    corrupted: sum(({ corrupted }) => corrupted),
  });
}

/** Who is not connected, so many at once. */
async function allCome(targets: readonly Target[], joining: boolean): Promise<void> {
  const { parallel = 1, first = 0 } = order ?? {};
  const away = latecomers.filter(({ isOpen }) => !isOpen);
  let next = 0;
  const open = async (): Promise<void> => {
    while (next < away.length) {
      const index = next++;
      await comeIn(away[index] as Latecomer, targets, first + index, joining);
    }
  };
  await Promise.all(Array.from({ length: parallel }, open));
}

/** At the next address, and the next, until one takes it. */
async function comeIn(
  latecomer: Latecomer,
  targets: readonly Target[],
  which: number,
  joining: boolean,
): Promise<void> {
  for (let attempt = 0; attempt < maxAttempts; attempt += 1)
    try {
      await latecomer.come(targets[(which + attempt) % targets.length] as Target, joining);
      return;
    } catch {
      turnedAway += 1;
      await sleep(comeBackMs * (1 + Math.random()));
    }
}

/** Looks again until it holds. @throws Error if nothing comes any more */
async function must(what: string, holds: () => boolean): Promise<void> {
  newsAt = monotonicMs();
  if (!(await until(holds))) throw new Error(`not all clients ${what}`);
}

/** Looks again until it holds, or nothing comes any more. Returns whether it holds. */
async function until(holds: () => boolean): Promise<boolean> {
  while (!holds()) {
    if (monotonicMs() - newsAt > quietMs) return false;
    await sleep(lookEveryMs);
  }
  return true;
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
