import { beforeEach, describe, expect, test } from 'vitest';
import { Peers } from './peers.ts';

const silenceMs = 2_500;
const start = 5_000;

let peers: Peers;

beforeEach(() => {
  peers = new Peers('own', silenceMs);
});

describe('our own beat', () => {
  test('is missed from the beginning', () => {
    expect(peers.verdict(start)).toBe('deaf');
  });

  test('keeps a node alive that is alone, until it has been silent for too long', () => {
    expect(peers.heard('own', 'left', start)).toBe(false);
    expect(peers.verdict(start + silenceMs)).toBe('alive');
    expect(peers.verdict(start + silenceMs + 1)).toBe('deaf');
  });

  test('is no peer', () => {
    peers.heard('own', 'left', start);
    expect(peers.count).toBe(0);
    expect(peers.forgetSilent(start + 1_000_000, 10_000)).toEqual([]);
  });

  test('that is missing counts more than the beats of the others', () => {
    peers.heard('own', 'left', start);
    peers.heard('other', 'right', start + silenceMs);
    expect(peers.verdict(start + silenceMs + 1)).toBe('deaf');
  });
});

describe('the others', () => {
  test('are new once', () => {
    expect(peers.heard('other', 'right', start)).toBe(true);
    expect(peers.heard('other', 'right', start + 1)).toBe(false);
    expect(peers.heard('third', 'right', start + 2)).toBe(true);
    expect(peers.count).toBe(2);
  });

  test('are missing as soon as one of them has fallen silent, whoever else still speaks', () => {
    peers.heard('other', 'right', start);
    peers.heard('third', 'centre', start + 100);
    peers.heard('own', 'left', start + silenceMs);
    expect(peers.verdict(start + silenceMs)).toBe('alive');
    expect(peers.verdict(start + silenceMs + 1)).toBe('missing');
  });

  test('that come back end the silence', () => {
    peers.heard('other', 'right', start);
    peers.heard('own', 'left', start + 2 * silenceMs);
    expect(peers.verdict(start + 2 * silenceMs)).toBe('missing');
    peers.heard('other', 'right', start + 2 * silenceMs);
    expect(peers.verdict(start + 2 * silenceMs)).toBe('alive');
  });

  test('are looked for again after a while, and at once when another one falls silent', () => {
    peers.heard('own', 'left', start + 4_000);
    peers.heard('other', 'right', start);
    peers.heard('third', 'centre', start + 2_000);
    peers.looked(start + 3_000);
    expect(peers.verdict(start + 4_000)).toBe('alive');
    expect(peers.verdict(start + 2_000 + silenceMs + 1)).toBe('missing');
    peers.looked(start + 5_000);
    peers.heard('own', 'left', start + 5_000 + silenceMs);
    expect(peers.verdict(start + 5_000 + silenceMs)).toBe('alive');
    peers.heard('own', 'left', start + 5_001 + silenceMs);
    expect(peers.verdict(start + 5_001 + silenceMs)).toBe('missing');
  });

  test('are forgotten when they have been silent for long, and returned once', () => {
    peers.heard('other', 'right', start);
    peers.heard('third', 'centre', start + 1);
    expect(peers.forgetSilent(start + 10_000, 10_000)).toEqual([]);
    expect(peers.forgetSilent(start + 10_001, 10_000)).toEqual([
      { bootId: 'other', nodeId: 'right', heardAt: start, lookedAt: null, counts: null },
    ]);
    expect(peers.count).toBe(1);
    expect(peers.forgetSilent(start + 10_001, 10_000)).toEqual([]);
  });

  test('that were forgotten leave us alive, and are new again when they come back', () => {
    peers.heard('other', 'right', start);
    peers.forgetSilent(start + 20_000, 10_000);
    peers.heard('own', 'left', start + 20_000);
    expect(peers.verdict(start + 20_000)).toBe('alive');
    expect(peers.heard('other', 'right', start + 20_001)).toBe(true);
  });

  test('are 4,096 at most, and the next one is never new, or it would be new with each beat', () => {
    for (let i = 0; i < 4_096; i += 1) expect(peers.heard(`boot ${i}`, 'garbage', start)).toBe(true);
    for (let i = 0; i < 3; i += 1) expect(peers.heard('one too many', 'garbage', start)).toBe(false);
    expect(peers.count).toBe(4_096);
    expect(peers.heard('boot 7', 'garbage', start + 1)).toBe(false);
  });
});

describe('a silence', () => {
  const doubtMs = 60_000;

  test('is none while everybody is heard', () => {
    peers.heard('other', 'right', start);
    expect(peers.anySilence(start + silenceMs, doubtMs)).toBe(false);
    expect(peers.anySilence(start + silenceMs + 1, doubtMs)).toBe(true);
  });

  test('goes on when somebody has looked, and for a while when the peer is forgotten', () => {
    peers.heard('other', 'right', start);
    peers.looked(start + 3_000);
    expect(peers.anySilence(start + 3_000, doubtMs)).toBe(true);
    peers.forgetSilent(start + 10_001, 10_000);
    expect(peers.anySilence(start + doubtMs, doubtMs)).toBe(true);
    expect(peers.anySilence(start + doubtMs + 1, doubtMs)).toBe(false);
  });
});

describe('an excuse', () => {
  test('lets everybody start anew, ourselves included', () => {
    peers.heard('other', 'right', start);
    expect(peers.verdict(start + 60_000)).toBe('deaf');
    peers.excuse(start + 60_000);
    expect(peers.verdict(start + 60_000 + silenceMs)).toBe('alive');
    expect(peers.forgetSilent(start + 60_000 + silenceMs, 10_000)).toEqual([]);
    expect(peers.verdict(start + 60_000 + silenceMs + 1)).toBe('deaf');
  });
});
