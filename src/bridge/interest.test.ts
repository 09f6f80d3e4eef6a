import fc from 'fast-check';
import { beforeEach, describe, expect, test } from 'vitest';
import { FakeClock } from '../../test/support/fake-clock.ts';
import { Interest } from './interest.ts';

const lingerMs = 30_000;
/** Reconciling happens twice per linger, so a shard without subscribers is given up within one and a half of it. */
const givenUpMs = 1.5 * lingerMs;

interface Command {
  what: 'subscribe' | 'unsubscribe';
  shards: readonly number[];
  confirm(): Promise<void>;
  fail(): Promise<void>;
}

let clock: FakeClock;
let interest: Interest;
/** Every command that Redis was given, in order. */
let commands: Command[];
/** Commands that Redis has not answered. */
let pending: Set<Command>;
let changes: string[];

beforeEach(() => {
  start(512);
});

function start(shards: number): void {
  clock = new FakeClock();
  commands = [];
  pending = new Set();
  changes = [];
  interest = new Interest({
    shards,
    clock,
    lingerMs,
    subscribe: (wanted) => give('subscribe', wanted),
    unsubscribe: (unwanted) => give('unsubscribe', unwanted),
    onChange: (shard, confirmed) => changes.push(`${confirmed ? '+' : '-'}${shard}`),
  });
}

function give(what: Command['what'], shards: readonly number[]): Promise<void> {
  return new Promise((resolve, reject) => {
    const answer = (give: () => void) => {
      pending.delete(command);
      give();
      return microtasks();
    };
    const command: Command = {
      what,
      shards: [...shards],
      confirm: () => answer(resolve),
      fail: () => answer(() => reject(new Error('the connection is closed'))),
    };
    commands.push(command);
    pending.add(command);
  });
}

/** Lets everything run that waits for no more than a settled promise. */
async function microtasks(): Promise<void> {
  for (let i = 0; i < 20; i += 1) await null;
}

/** The only command that is under way. */
function underWay(): Command {
  expect(pending.size).toBe(1);
  return [...pending][0] as Command;
}

function said(): [string, readonly number[]][] {
  return commands.map(({ what, shards }) => [what, shards]);
}

/** Opens channels of these shards on a connection that confirms them. */
async function confirmed(...shards: number[]): Promise<void> {
  interest.connected();
  for (const shard of shards) interest.opened(shard);
  while (pending.size > 0) await underWay().confirm();
  expect(shards.every((shard) => interest.confirmed(shard))).toBe(true);
  commands.length = 0;
  changes.length = 0;
}

describe('a shard', () => {
  test('is subscribed when its first channel opens, and confirmed only when Redis says so', async () => {
    interest.connected();
    interest.opened(3);
    expect(said()).toEqual([['subscribe', [3]]]);
    await microtasks();
    expect([interest.confirmed(3), changes]).toEqual([false, []]);
    await underWay().confirm();
    expect([interest.confirmed(3), changes]).toEqual([true, ['+3']]);
    expect(interest.confirmed(4)).toBe(false);
  });

  test('is subscribed once, however many of its channels open', async () => {
    await confirmed(3);
    for (let i = 0; i < 5; i += 1) interest.opened(3);
    await microtasks();
    expect(said()).toEqual([]);
  });

  test('stays while one of its channels has a subscriber', async () => {
    await confirmed(3, 3);
    interest.closed(3);
    clock.advance(10 * lingerMs);
    await microtasks();
    expect([said(), interest.confirmed(3)]).toEqual([[], true]);
  });

  test('is unsubscribed after it lingered, and not before', async () => {
    await confirmed(3);
    interest.closed(3);
    clock.advance(lingerMs - 1);
    await microtasks();
    expect([said(), interest.confirmed(3)]).toEqual([[], true]);
    clock.advance(givenUpMs - lingerMs + 1);
    expect(said()).toEqual([['unsubscribe', [3]]]);
  });

  test('lingers anew each time its last subscriber leaves', async () => {
    await confirmed(3);
    for (let i = 0; i < 10; i += 1) {
      interest.closed(3);
      clock.advance(lingerMs - 1);
      interest.opened(3);
      await microtasks();
    }
    expect(said()).toEqual([]);
  });

  test('counts as unheard from before it is unsubscribed', async () => {
    await confirmed(3);
    interest.closed(3);
    clock.advance(givenUpMs);
    expect([interest.confirmed(3), changes]).toEqual([false, ['-3']]);
    expect(underWay().what).toBe('unsubscribe');
  });

  test('that does not exist is a mistake', () => {
    expect(() => interest.opened(512)).toThrow(RangeError);
    expect(() => interest.confirmed(-1)).toThrow(RangeError);
  });
});

describe('commands', () => {
  test('take at most 128 shards each', async () => {
    for (let shard = 0; shard < 300; shard += 1) interest.opened(shard);
    interest.connected();
    await underWay().confirm();
    await underWay().confirm();
    await underWay().confirm();
    expect(commands.map(({ what, shards }) => [what, shards.length])).toEqual([
      ['subscribe', 128],
      ['subscribe', 128],
      ['subscribe', 44],
    ]);
    expect(new Set(commands.flatMap(({ shards }) => shards)).size).toBe(300);
    expect(changes.length).toBe(300);
    for (let shard = 0; shard < 300; shard += 1) interest.closed(shard);
    clock.advance(givenUpMs);
    for (let i = 0; i < 3; i += 1) await underWay().confirm();
    expect(commands.slice(3).map(({ what, shards }) => [what, shards.length])).toEqual([
      ['unsubscribe', 128],
      ['unsubscribe', 128],
      ['unsubscribe', 44],
    ]);
  });

  test('gather what is wanted while one is under way', async () => {
    interest.connected();
    for (const shard of [1, 2, 3, 4]) interest.opened(shard);
    await microtasks();
    expect(said()).toEqual([['subscribe', [1]]]);
    await underWay().confirm();
    expect(said()).toEqual([
      ['subscribe', [1]],
      ['subscribe', [2, 3, 4]],
    ]);
  });

  test('never overtake each other: a shard that is wanted again waits for its unsubscribe', async () => {
    await confirmed(3);
    interest.closed(3);
    clock.advance(givenUpMs);
    interest.opened(3);
    await microtasks();
    expect(underWay().what).toBe('unsubscribe');
    await underWay().confirm();
    expect(underWay().what).toBe('subscribe');
    await underWay().confirm();
    expect([interest.confirmed(3), changes]).toEqual([true, ['-3', '+3']]);
  });

  test('undo a subscribe that nobody wants any more when it is confirmed', async () => {
    interest.connected();
    interest.opened(3);
    interest.closed(3);
    clock.advance(givenUpMs);
    await underWay().confirm();
    expect(said()).toEqual([
      ['subscribe', [3]],
      ['unsubscribe', [3]],
    ]);
    await underWay().confirm();
    expect([interest.confirmed(3), changes]).toEqual([false, ['+3', '-3']]);
  });

  test('are not given while there is no connection', async () => {
    interest.opened(3);
    void interest.whenConfirmed(4, 1_000);
    clock.advance(givenUpMs);
    await microtasks();
    expect(said()).toEqual([]);
  });

  test('are given for a shard that is wanted in the same turn in which another needed nothing', async () => {
    await confirmed(1);
    interest.opened(1);
    interest.opened(2);
    expect(said()).toEqual([['subscribe', [2]]]);
  });

  test('are given for a shard that is wanted as soon as another is confirmed', async () => {
    interest.connected();
    const chained = interest.whenConfirmed(1, 1_000).then(() => interest.opened(2));
    await underWay().confirm();
    await chained;
    expect(underWay().shards).toEqual([2]);
  });
});

describe('a connection that was lost', () => {
  test('takes every confirmation with it', async () => {
    await confirmed(1, 2);
    interest.lost();
    expect([interest.confirmed(1), interest.confirmed(2), changes]).toEqual([false, false, ['-1', '-2']]);
  });

  test('is followed by one on which everything that is wanted is subscribed again', async () => {
    await confirmed(1, 2);
    interest.lost();
    interest.opened(5);
    interest.closed(1);
    clock.advance(lingerMs);
    interest.connected();
    expect(said()).toEqual([['subscribe', [2, 5]]]);
    await underWay().confirm();
    expect(changes).toEqual(['-1', '-2', '+2', '+5']);
  });

  test('confirms nothing when its answer comes while there is none', async () => {
    interest.connected();
    interest.opened(3);
    interest.lost();
    await underWay().confirm();
    expect([interest.confirmed(3), changes, commands.length]).toEqual([false, [], 1]);
  });

  test('confirms nothing when its answer comes while there is another', async () => {
    interest.connected();
    interest.opened(3);
    const old = underWay();
    interest.lost();
    interest.connected();
    await old.confirm();
    expect(interest.confirmed(3)).toBe(false);
    expect(said()).toEqual([
      ['subscribe', [3]],
      ['subscribe', [3]],
    ]);
    await underWay().confirm();
    expect([interest.confirmed(3), changes]).toEqual([true, ['+3']]);
  });

  test.each(['subscribe', 'unsubscribe'] as const)(
    'does not keep the next one from being asked when its %s fails late',
    async (what) => {
      await confirmed(1, 2);
      if (what === 'subscribe') interest.opened(3);
      else {
        interest.closed(1);
        clock.advance(givenUpMs);
      }
      const old = underWay();
      expect(old.what).toBe(what);
      interest.lost();
      interest.connected();
      await old.fail();
      await underWay().confirm();
      expect(interest.confirmed(2)).toBe(true);
      expect(pending.size).toBe(0);
    },
  );

  test('does not keep the next one from being asked when its command is never answered', async () => {
    interest.connected();
    interest.opened(3);
    const old = underWay();
    interest.lost();
    interest.connected();
    pending.delete(old);
    await underWay().confirm();
    expect(interest.confirmed(3)).toBe(true);
  });
});

describe('a command that failed', () => {
  test('is not given again at once', async () => {
    interest.connected();
    interest.opened(3);
    await underWay().fail();
    expect([commands.length, interest.confirmed(3)]).toEqual([1, false]);
  });

  test('is given again on the next connection, with everything that is wanted', async () => {
    interest.connected();
    interest.opened(3);
    await underWay().fail();
    interest.lost();
    interest.opened(4);
    await microtasks();
    expect(commands.length).toBe(1);
    interest.connected();
    expect(underWay().shards).toEqual([3, 4]);
  });

  // A slow Redis may miss the time for one command, and the connection stays.
  test('is given again later if the connection stays', async () => {
    await confirmed(1);
    interest.opened(2);
    await underWay().fail();
    clock.advance(lingerMs / 2);
    expect(said()).toEqual([
      ['subscribe', [2]],
      ['subscribe', [2]],
    ]);
  });

  test('to unsubscribe leaves the shard unheard until it is subscribed again', async () => {
    await confirmed(1);
    interest.closed(1);
    clock.advance(givenUpMs);
    await underWay().fail();
    expect(interest.confirmed(1)).toBe(false);
    interest.opened(1);
    expect(underWay().what).toBe('subscribe');
  });
});

describe('somebody who waits for a shard', () => {
  /** What became of a promise so far. */
  function outcomeOf(promise: Promise<boolean>): { value: boolean | 'waiting' } {
    const outcome: { value: boolean | 'waiting' } = { value: 'waiting' };
    void promise.then((value) => {
      outcome.value = value;
    });
    return outcome;
  }

  test('is told when it is confirmed, and the shard is wanted for that', async () => {
    interest.connected();
    const outcome = outcomeOf(interest.whenConfirmed(3, 1_000));
    expect(said()).toEqual([['subscribe', [3]]]);
    clock.advance(999);
    await microtasks();
    expect(outcome.value).toBe('waiting');
    await underWay().confirm();
    expect(outcome.value).toBe(true);
  });

  test('is told when the time is over, and the confirmation may still come', async () => {
    interest.connected();
    const outcome = outcomeOf(interest.whenConfirmed(3, 1_000));
    clock.advance(1_000);
    await microtasks();
    expect(outcome.value).toBe(false);
    await underWay().confirm();
    expect([outcome.value, interest.confirmed(3)]).toEqual([false, true]);
  });

  test('need not wait at all', async () => {
    const outcome = outcomeOf(interest.whenConfirmed(3, 0));
    clock.advance(0);
    await microtasks();
    expect(outcome.value).toBe(false);
  });

  test('is one of many: all are told at once', async () => {
    interest.connected();
    const outcomes = [10, 500, 1_000].map((timeoutMs) => outcomeOf(interest.whenConfirmed(3, timeoutMs)));
    clock.advance(100);
    await microtasks();
    await underWay().confirm();
    expect(outcomes.map(({ value }) => value)).toEqual([false, true, true]);
  });

  test('is told true if the connection is lost and back in time', async () => {
    interest.connected();
    const outcome = outcomeOf(interest.whenConfirmed(3, 1_000));
    const old = underWay();
    interest.lost();
    await old.fail();
    clock.advance(500);
    interest.connected();
    await underWay().confirm();
    expect(outcome.value).toBe(true);
  });

  test('is told false if the connection is not back in time', async () => {
    interest.connected();
    const outcome = outcomeOf(interest.whenConfirmed(3, 1_000));
    const old = underWay();
    interest.lost();
    await old.fail();
    clock.advance(1_000);
    await microtasks();
    expect(outcome.value).toBe(false);
  });

  test('makes the shard linger without ever having a subscriber', async () => {
    interest.connected();
    void interest.whenConfirmed(3, 1_000);
    await underWay().confirm();
    clock.advance(lingerMs - 1);
    expect(interest.confirmed(3)).toBe(true);
    clock.advance(givenUpMs - lingerMs + 1);
    expect(underWay().what).toBe('unsubscribe');
  });

  test('leaves no timer behind, told true or false', async () => {
    interest.connected();
    const before = clock.timers;
    const all = Array.from({ length: 100 }, (_, i) => interest.whenConfirmed(i % 5, 1_000));
    expect(clock.timers).toBe(before + 100);
    while (pending.size > 0) await underWay().confirm();
    expect(clock.timers).toBe(before);
    interest.lost();
    const late = Array.from({ length: 100 }, (_, i) => interest.whenConfirmed(i % 5, 1_000));
    clock.advance(1_000);
    expect(clock.timers).toBe(before);
    expect(await Promise.all(all)).toEqual(new Array(100).fill(true));
    expect(await Promise.all(late)).toEqual(new Array(100).fill(false));
  });

  test('in vain is forgotten: a later confirmation has nothing to do for it', async () => {
    let cancelled = 0;
    const after = clock.after.bind(clock);
    clock.after = (delayMs, run) => {
      const timer = after(delayMs, run);
      return {
        cancel() {
          cancelled += 1;
          timer.cancel();
        },
      };
    };
    for (let i = 0; i < 100; i += 1) void interest.whenConfirmed(3, 1_000);
    clock.advance(1_000);
    expect(cancelled).toBe(100); // Each was told, and let go of its own timer.
    interest.connected();
    await underWay().confirm();
    expect([interest.confirmed(3), cancelled]).toEqual([true, 100]);
  });

  test('in vain is forgotten: nobody else is taken for it', async () => {
    const first = outcomeOf(interest.whenConfirmed(3, 100));
    const second = outcomeOf(interest.whenConfirmed(3, 1_000));
    clock.advance(100);
    await microtasks();
    expect([first.value, second.value]).toEqual([false, 'waiting']);
    interest.connected();
    await underWay().confirm();
    expect(second.value).toBe(true);
  });
});

describe('stopping', () => {
  test('ends the timer and all commands, and a late answer confirms nothing', async () => {
    interest.connected();
    interest.opened(1);
    interest.stop();
    interest.opened(2);
    await underWay().confirm();
    clock.advance(10 * lingerMs);
    await microtasks();
    expect([commands.length, interest.confirmed(1), clock.timers]).toEqual([1, false, 0]);
  });

  test('still tells those who wait when their time is over', async () => {
    const waiting = interest.whenConfirmed(3, 1_000);
    interest.stop();
    clock.advance(1_000);
    expect(await waiting).toBe(false);
  });
});

test('whatever happens, Redis ends up with what is wanted, one command at a time', async () => {
  const shard = fc.nat(5);
  const event = fc.oneof(
    { weight: 4, arbitrary: fc.record({ what: fc.constant('opened' as const), shard }) },
    { weight: 4, arbitrary: fc.record({ what: fc.constant('closed' as const), shard }) },
    { weight: 2, arbitrary: fc.record({ what: fc.constant('wait' as const), shard }) },
    { weight: 4, arbitrary: fc.constant({ what: 'answer' as const }) },
    { weight: 1, arbitrary: fc.constant({ what: 'reconnect' as const }) },
    { weight: 2, arbitrary: fc.record({ what: fc.constant('time' as const), ms: fc.nat(40_000) }) },
    { weight: 3, arbitrary: fc.constant({ what: 'microtasks' as const }) },
  );
  await fc.assert(
    fc.asyncProperty(fc.array(event, { maxLength: 60 }), async (events) => {
      start(6);
      const channels = new Array<number>(6).fill(0);
      /** What Redis has for the connection that is there now. */
      const held = new Set<number>();
      const answer = async () => {
        const command = [...pending][0];
        if (command === undefined) return;
        for (const each of command.shards)
          if (command.what === 'subscribe') held.add(each);
          else held.delete(each);
        await command.confirm();
      };
      interest.connected();
      for (const step of events) {
        if (step.what === 'opened') {
          interest.opened(step.shard);
          channels[step.shard] = (channels[step.shard] ?? 0) + 1;
        } else if (step.what === 'closed') {
          if ((channels[step.shard] ?? 0) === 0) continue;
          interest.closed(step.shard);
          channels[step.shard] = (channels[step.shard] ?? 0) - 1;
        } else if (step.what === 'wait') void interest.whenConfirmed(step.shard, 1_000);
        else if (step.what === 'answer') await answer();
        else if (step.what === 'reconnect') {
          const old = [...pending];
          interest.lost();
          held.clear();
          pending.clear();
          interest.connected();
          for (const command of old) await command.fail();
        } else if (step.what === 'time') clock.advance(step.ms);
        else await microtasks();
        expect(pending.size).toBeLessThanOrEqual(1);
        for (let each = 0; each < 6; each += 1)
          if (interest.confirmed(each)) expect(held.has(each)).toBe(true);
      }
      // No tick of the timer is needed: whatever has a subscriber is asked for by itself.
      await microtasks();
      while (pending.size > 0) await answer();
      channels.forEach((count, each) => {
        if (count > 0) expect([each, interest.confirmed(each)]).toEqual([each, true]);
      });
      clock.advance(givenUpMs);
      await microtasks();
      while (pending.size > 0) await answer();
      expect([...held].sort()).toEqual(channels.flatMap((count, each) => (count > 0 ? [each] : [])));
    }),
    { numRuns: 200 },
  );
});
