import fc from 'fast-check';
import { beforeEach, describe, expect, test } from 'vitest';
import { SequenceLedger } from './sequence-ledger.ts';

const shards = 4;

let ledger: SequenceLedger;

beforeEach(() => {
  ledger = new SequenceLedger(shards);
  for (let shard = 0; shard < shards; shard += 1) ledger.listen(shard, true);
});

describe('frames', () => {
  test('begin anywhere: the first is the baseline', () => {
    expect(ledger.frame('boot', 0, 17)).toBe(0);
    expect(ledger.frame('boot', 0, 18)).toBe(0);
  });

  test('that follow each other miss nothing', () => {
    for (let sequence = 1; sequence < 100; sequence += 1) expect(ledger.frame('boot', 0, sequence)).toBe(0);
  });

  test('that jump miss those between, once', () => {
    ledger.frame('boot', 0, 1);
    expect(ledger.frame('boot', 0, 3)).toBe(1);
    expect(ledger.frame('boot', 0, 13)).toBe(9);
    expect(ledger.frame('boot', 0, 14)).toBe(0);
  });

  test('that come twice or too late are duplicates, and change nothing', () => {
    ledger.frame('boot', 0, 5);
    expect(ledger.frame('boot', 0, 5)).toBe('duplicate');
    expect(ledger.frame('boot', 0, 1)).toBe('duplicate');
    expect(ledger.frame('boot', 0, 6)).toBe(0);
  });

  test('are counted for each sender and shard', () => {
    ledger.frame('left', 0, 10);
    expect(ledger.frame('right', 0, 5)).toBe(0);
    expect(ledger.frame('left', 1, 3)).toBe(0);
    expect(ledger.frame('left', 0, 12)).toBe(1);
    expect(ledger.frame('right', 0, 6)).toBe(0);
    expect(ledger.frame('left', 1, 4)).toBe(0);
  });

  test('may have the largest number there is', () => {
    ledger.frame('boot', 0, 1);
    expect(ledger.frame('boot', 0, Number.MAX_SAFE_INTEGER)).toBe(Number.MAX_SAFE_INTEGER - 2);
    expect(ledger.frame('boot', 0, Number.MAX_SAFE_INTEGER)).toBe('duplicate');
  });
});

describe('a beat', () => {
  test('is a baseline as well', () => {
    expect(ledger.beat('boot', 0, 7)).toBe(0);
    expect(ledger.frame('boot', 0, 8)).toBe(0);
    expect(ledger.frame('boot', 0, 10)).toBe(1);
  });

  test('notices the loss of the last frames before a silence, once', () => {
    ledger.frame('boot', 0, 7);
    expect(ledger.beat('boot', 0, 9)).toBe(2);
    expect(ledger.beat('boot', 0, 9)).toBe(0);
    expect(ledger.frame('boot', 0, 10)).toBe(0);
  });

  test('that tells what is known misses nothing', () => {
    ledger.frame('boot', 0, 7);
    expect(ledger.beat('boot', 0, 7)).toBe(0);
    expect(ledger.beat('boot', 0, 3)).toBe(0);
    expect(ledger.frame('boot', 0, 8)).toBe(0);
  });

  test('makes a duplicate of a frame that it already counted as missing', () => {
    ledger.frame('boot', 0, 7);
    ledger.beat('boot', 0, 8);
    expect(ledger.frame('boot', 0, 8)).toBe('duplicate');
  });

  test('means nothing for a shard that is not listened to, or does not exist', () => {
    ledger.listen(1, false);
    expect(ledger.beat('boot', 1, 7)).toBe(0);
    expect(ledger.beat('boot', 1, 9)).toBe(0);
    expect(ledger.beat('boot', shards, 7)).toBe(0);
    expect(ledger.beat('boot', Number.MAX_SAFE_INTEGER, 7)).toBe(0);
    expect(ledger.senders).toBe(0);
  });
});

describe('listening', () => {
  test.each([true, false])(
    'that begins or ends (%s) forgets what was counted in that shard only',
    (listening) => {
      ledger.frame('left', 0, 5);
      ledger.frame('right', 0, 5);
      ledger.frame('left', 1, 5);
      ledger.listen(0, listening);
      expect(ledger.frame('left', 0, 90)).toBe(0);
      expect(ledger.frame('right', 0, 2)).toBe(0);
      expect(ledger.frame('left', 1, 7)).toBe(1);
    },
  );

  test('again begins with a new baseline: what was sent meanwhile is no gap', () => {
    ledger.frame('boot', 0, 5);
    ledger.listen(0, false);
    ledger.beat('boot', 0, 50);
    ledger.listen(0, true);
    expect(ledger.beat('boot', 0, 60)).toBe(0);
    expect(ledger.frame('boot', 0, 61)).toBe(0);
  });
});

describe('an interruption', () => {
  test.each(['frame', 'beat'] as const)('is a gap by the first %s after it', (kind) => {
    ledger.frame('boot', 0, 5);
    ledger.interrupt([0]);
    ledger.listen(0, false);
    expect(ledger.beat('boot', 0, 6)).toBe(0); // Not listened to yet: the frame may still be on its way.
    ledger.listen(0, true);
    expect(ledger[kind]('boot', 0, 9)).toBe(kind === 'frame' ? 3 : 4);
    expect(ledger.frame('boot', 0, 10)).toBe(0);
  });

  test('in which nothing was sent is no gap, and what comes twice is a duplicate', () => {
    ledger.frame('boot', 0, 5);
    ledger.interrupt([0]);
    ledger.listen(0, false);
    ledger.interrupt([0]); // The way back failed.
    ledger.listen(0, true);
    expect(ledger.frame('boot', 0, 5)).toBe('duplicate');
    expect(ledger.frame('boot', 0, 6)).toBe(0);
  });

  test.each(['frame', 'beat'] as const)(
    'is a gap by the first %s of a sender that was not heard before it',
    (kind) => {
      ledger.interrupt([0]);
      ledger.listen(0, false);
      ledger.listen(0, true);
      expect(ledger[kind]('boot', 0, 4)).toBe(kind === 'frame' ? 3 : 4);
      expect(ledger.frame('boot', 0, 5)).toBe(0);
      expect(ledger.frame('started later', 0, 1)).toBe(0);
    },
  );

  test('of a shard that was not listened to means nothing', () => {
    ledger.frame('boot', 0, 5);
    ledger.listen(0, false);
    ledger.interrupt([0]);
    ledger.listen(0, true);
    expect(ledger.frame('boot', 0, 90)).toBe(0);
  });

  test('of some shards leaves the others as they were', () => {
    ledger.frame('boot', 0, 5);
    ledger.frame('boot', 1, 5);
    ledger.interrupt([1]);
    ledger.listen(1, false);
    ledger.listen(1, true);
    ledger.listen(0, false);
    ledger.listen(0, true);
    expect(ledger.frame('boot', 0, 90)).toBe(0);
    expect(ledger.frame('boot', 1, 8)).toBe(2);
  });

  test('ends once: leaving and coming back later is a new baseline', () => {
    ledger.frame('boot', 0, 5);
    ledger.interrupt([0]);
    ledger.listen(0, false);
    ledger.listen(0, true);
    ledger.listen(0, false);
    ledger.listen(0, true);
    expect(ledger.frame('boot', 0, 90)).toBe(0);
  });
});

describe('senders', () => {
  test('that start anew are new senders', () => {
    ledger.frame('first boot', 0, 500);
    expect(ledger.frame('second boot', 0, 1)).toBe(0);
    expect(ledger.senders).toBe(2);
  });

  test('that come back after a long silence go on where they were: what they could not send is missing', () => {
    ledger.frame('by frame', 0, 5);
    ledger.frame('by beat', 0, 5);
    ledger.fellSilent('by frame');
    ledger.fellSilent('by beat');
    ledger.fellSilent('nobody');
    expect(ledger.senders).toBe(2);
    expect(ledger.frame('by frame', 0, 8)).toBe(2);
    expect(ledger.beat('by beat', 0, 8)).toBe(3);
  });

  test('that stay silent are forgotten when there are 256 others, the longest silent first', () => {
    for (let i = 0; i < 257; i += 1) ledger.frame(`boot ${i}`, 0, 5);
    ledger.fellSilent('boot 0');
    ledger.frame('boot 0', 0, 6); // It was only slow.
    for (let i = 1; i < 257; i += 1) ledger.fellSilent(`boot ${i}`);
    expect(ledger.senders).toBe(257);
    ledger.fellSilent('boot 0');
    expect(ledger.senders).toBe(256);
    expect(ledger.frame('boot 1', 0, 90)).toBe(0); // A new baseline.
    expect(ledger.frame('boot 2', 0, 90)).toBe(84);
  });

  test('beyond 4,096 are delivered and not counted', () => {
    for (let i = 0; i < 4_096; i += 1) ledger.frame(`boot ${i}`, 0, 1);
    expect(ledger.frame('one too many', 0, 1)).toBe(0);
    expect(ledger.frame('one too many', 0, 1)).toBe(0);
    expect(ledger.frame('one too many', 0, 100)).toBe(0);
    expect(ledger.beat('one too many', 0, 200)).toBe(0);
    expect(ledger.senders).toBe(4_096);
    expect(ledger.frame('boot 7', 0, 3)).toBe(1);
    ledger.fellSilent('boot 7');
    ledger.frame('one too many', 0, 1);
    expect(ledger.frame('one too many', 0, 3)).toBe(1);
  });

  test('may have the names of what every object has', () => {
    for (const name of ['__proto__', 'constructor', 'toString']) {
      expect(ledger.frame(name, 0, 1)).toBe(0);
      expect(ledger.frame(name, 0, 3)).toBe(1);
    }
  });
});

test('whatever is lost between two frames that arrive, exactly that is missing', () => {
  fc.assert(
    fc.property(
      fc.nat(100),
      fc.array(fc.constantFrom('frame', 'lost', 'beat', 'twice'), { maxLength: 100 }),
      (start, fates) => {
        ledger = new SequenceLedger(1);
        ledger.listen(0, true);
        let sequence = start + 1;
        let lost = 0;
        let missing = ledger.frame('boot', 0, sequence) as number;
        for (const fate of fates) {
          if (fate !== 'beat') sequence += 1;
          if (fate === 'lost') lost += 1;
          else if (fate === 'beat') missing += ledger.beat('boot', 0, sequence);
          else missing += ledger.frame('boot', 0, sequence) as number;
          if (fate === 'twice') expect(ledger.frame('boot', 0, sequence)).toBe('duplicate');
        }
        missing += ledger.beat('boot', 0, sequence);
        expect(missing).toBe(lost);
      },
    ),
  );
});
