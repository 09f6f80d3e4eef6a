import { expect, it } from 'vitest';
import { atMost, exactly, slowest, timed, verdictOf } from './lab/line.ts';
import { isTooBusy, noStrain, StrainWatch } from './lab/strain-watch.ts';

it('a line of time that is missed is not judged on a machine that is too busy, any other one is', () => {
  const late = atMost('ready after', 9_000, 5_000, ' ms');
  expect([verdictOf(late, false), verdictOf(late, true)]).toEqual(['missed', 'not judged']);
  const lost = exactly('lost silently', 1, 0);
  expect([verdictOf(lost, true), verdictOf(timed(lost), true)]).toEqual(['missed', 'not judged']);
  expect(verdictOf(atMost('ready after', 4_000, 5_000, ' ms'), true)).toBe('held');
});

it('what never happened, or was never timed, is missed however busy the machine is', () => {
  for (const seen of [null, slowest([]), slowest([3, null]), Number.POSITIVE_INFINITY])
    expect(verdictOf(atMost('ready after', seen, 5_000, ' ms'), true)).toBe('missed');
});

it('a lab that stands still knows it', async () => {
  const watch = new StrainWatch();
  watch.start();
  await new Promise((resolve) => setTimeout(resolve, 50));
  for (const until = performance.now() + 600; performance.now() < until; );
  await new Promise((resolve) => setTimeout(resolve, 50));
  watch.stop();
  expect(watch.strain.standstillMs).toBeGreaterThan(500);
  expect(isTooBusy(watch.strain)).toBe(true);
  expect(isTooBusy(noStrain)).toBe(false);
});
