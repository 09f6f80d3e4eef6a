/**
 * The judge of the lab is seen red before it is believed: each kind of damage, planted into what a subscriber hears.
 */
import { beforeEach, describe, expect, it } from 'vitest';
import { Ledger } from './lab/ledger.ts';
import type { Page, PageReport } from './lab/page.ts';
import type { LabMessage } from './lab/message.ts';

let ledger: Ledger;
let page: Page;
/** Milliseconds; each thing happens one after the last. */
let now: number;
beforeEach(() => {
  now = 1_000;
  ledger = new Ledger();
  page = ledger.page('chat');
  page.open();
});

function send(publisher = 'ada'): LabMessage {
  now += 1;
  const number = ledger.publish('chat', publisher, now);
  ledger.settle('chat', publisher, number, 'acked');
  return { channel: 'chat', publisher, number, sentAt: now, filler: '' };
}

function hear(...messages: (LabMessage | 'damaged' | null)[]): void {
  for (const message of messages) {
    now += 1;
    page.heard(message, now);
  }
}

function sign(kind: Parameters<Page['sign']>[0]): void {
  now += 1;
  page.sign(kind, now);
}

function report(): PageReport {
  return page.report(now);
}

const clean = {
  lost: 0,
  silent: 0,
  toldEarly: 0,
  toldLate: 0,
  duplicated: 0,
  reordered: 0,
  corrupted: 0,
  phantom: 0,
};

describe('what is wrong with what was heard', () => {
  it('is nothing if all came once and in order', () => {
    for (let index = 0; index < 10_000; index += 1) hear(send(index % 2 === 0 ? 'ada' : 'grace'));
    expect(report()).toMatchObject({
      ...clean,
      heard: 10_000,
      falseAlarms: 0,
      signMs: null,
      caughtUpAt: null,
    });
  });

  it('is one of ten thousand that never came', () => {
    for (let index = 0; index < 10_000; index += 1) {
      const message = send();
      if (index !== 5_000) hear(message);
    }
    expect(report()).toMatchObject({ ...clean, lost: 1, silent: 1 });
  });

  it('is one that came twice', () => {
    const message = send();
    hear(message, message);
    expect(report()).toMatchObject({ ...clean, duplicated: 1 });
  });

  it('is two that were swapped', () => {
    const [one, two] = [send(), send()];
    hear(two, one);
    expect(report()).toMatchObject({ ...clean, reordered: 1 });
  });

  it('is one that was damaged, which is also missing', () => {
    hear(send());
    send();
    hear('damaged', send());
    expect(report()).toMatchObject({ ...clean, lost: 1, silent: 1, corrupted: 1 });
  });

  it.each<[string, () => LabMessage | null]>([
    ['that is none of ours', () => null],
    ['that nobody has sent yet', () => ({ ...send(), number: 900 })],
    ['of nobody', () => ({ ...send(), publisher: 'eve' })],
    ['of another channel', () => ({ ...send(), channel: 'news' })],
  ])('is one %s', (_name, invented) => {
    hear(invented());
    expect(report().phantom).toBe(1);
  });
});

describe('a missing message', () => {
  it('is told by a gap between what came before and what came behind it', () => {
    hear(send());
    const missing = send();
    sign('gap');
    hear(send());
    expect(report()).toMatchObject({ ...clean, lost: 1, signMs: now - 2 - missing.sentAt });
  });

  it('is silent if the gap is suppressed', () => {
    hear(send());
    send();
    hear(send());
    expect(report()).toMatchObject({ ...clean, lost: 1, silent: 1, signMs: null });
  });

  it('is told early by a gap that came before it was sent', () => {
    hear(send());
    sign('gap');
    send();
    hear(send());
    expect(report()).toMatchObject({ ...clean, lost: 1, toldEarly: 1 });
  });

  it('is told late by a gap that comes after what is behind it, and not at all by one much later', () => {
    hear(send());
    send();
    hear(send());
    sign('gap');
    expect(report()).toMatchObject({ ...clean, lost: 1, toldLate: 1 });
    hear(send());
    send();
    hear(send());
    now += 6_000;
    sign('gap');
    expect(report()).toMatchObject({ lost: 2, silent: 1, toldLate: 1 });
  });

  it('is not told by the gap of another hole', () => {
    hear(send());
    send();
    hear(send());
    now += 6_000;
    send();
    sign('gap');
    hear(send());
    expect(report()).toMatchObject({ lost: 2, silent: 1, toldLate: 0 });
  });

  it('is told by `degraded` for as long as nothing comes', () => {
    hear(send());
    sign('degraded');
    send();
    expect(report()).toMatchObject({ ...clean, lost: 1 });
    hear(send());
    sign('gap');
    expect(report()).toMatchObject({ ...clean, lost: 1 });
    hear(send());
    send();
    hear(send());
    expect(report()).toMatchObject({ lost: 2, silent: 1 });
  });

  it('is told early by `degraded` if no gap says that this is over', () => {
    hear(send());
    sign('degraded');
    send();
    hear(send());
    now += 60_000;
    expect(report()).toMatchObject({ ...clean, lost: 1, toldEarly: 1 });
  });

  it('is told by the end of the connection until that is taken back by joining again without a word', () => {
    hear(send());
    sign('lost');
    send();
    expect(report()).toMatchObject({ ...clean, lost: 1 });
    sign('rejoined');
    expect(report()).toMatchObject({ ...clean, lost: 1, silent: 1 });
    hear(send());
    expect(report()).toMatchObject({ ...clean, lost: 1, silent: 1 });
  });

  it('is missing at the end too', () => {
    hear(send());
    send();
    expect(report()).toMatchObject({ ...clean, lost: 1, silent: 1 });
    sign('gap');
    expect(report()).toMatchObject({ ...clean, lost: 1, silent: 0 });
  });

  it('is nothing to anybody if it was refused, or nobody knows what became of it', () => {
    for (const outcome of ['failed', 'unknown'] as const)
      ledger.settle('chat', 'ada', send().number, outcome);
    hear(send());
    expect(report()).toMatchObject(clean);
  });

  it('is no business of who had not joined when it was sent', () => {
    const early = send();
    const late = ledger.page('chat');
    late.open();
    const next = send();
    late.heard(early, now);
    late.heard(next, now);
    expect(late.report(now)).toMatchObject(clean);
  });
});

it('a gap with nothing missing is a false alarm', () => {
  hear(send());
  sign('gap');
  hear(send());
  expect(report()).toMatchObject({ ...clean, gaps: 1, falseAlarms: 1 });
  sign('degraded');
  expect(report()).toMatchObject({ ...clean, gaps: 2, falseAlarms: 1 });
});

it('who gets things late has caught up when the last of them came', () => {
  hear(send());
  const slow = send();
  now += 3_000;
  hear(slow);
  const caughtUpAt = now;
  hear(send());
  expect(report().caughtUpAt).toBe(caughtUpAt);
});
