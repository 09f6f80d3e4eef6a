import { expect, test } from 'vitest';
import { isPass, issuePass, passesIn, passSeconds, setCookie } from './dashboard-pass.ts';

const key = 'correct horse battery';
const now = 1_700_000_000_000;
const pass = issuePass(key, now);

test('is good for its time, for this key only', () => {
  expect(isPass(key, pass, now)).toBe(true);
  expect(isPass(key, pass, now + passSeconds * 1_000 - 1)).toBe(true);
  expect(isPass(key, pass, now + passSeconds * 1_000)).toBe(false);
  expect(isPass('another horse battery', pass, now)).toBe(false);
});

test('does not hold the key', () => {
  expect(pass).not.toContain(key);
  expect(setCookie(pass, true)).not.toContain(key);
});

test.each([
  ['nothing', ''],
  ['a longer life', pass.replace(/^\d+/, (seconds) => `${Number(seconds) + 1}`)],
  ['a shorter signature', pass.slice(0, -1)],
  ['a longer signature', `${pass}0`],
  ['another signature', pass.slice(0, -1) + (pass.endsWith('0') ? '1' : '0')],
  ['no signature', pass.slice(0, pass.indexOf('.'))],
  ['the signature alone', pass.slice(pass.indexOf('.'))],
  ['something in front', ` ${pass}`],
  ['an exponent', pass.replace(/^\d+/, '1e99')],
])('%s is no pass', (_what, forged) => {
  expect(isPass(key, forged, now)).toBe(false);
});

test('is found among other cookies', () => {
  expect(passesIn(`theme=dark; outcry_dashboard=${pass}`)).toEqual([pass]);
  expect(passesIn(`outcry_dashboard=a; outcry_dashboard=${pass}`)).toEqual(['a', pass]);
  expect(passesIn('outcry_dashboards=a; x=outcry_dashboard; outcry_dashboard')).toEqual(['']);
  expect(passesIn(null)).toEqual([]);
});

test('no script reads it, no other site has it sent, and it goes to the dashboard only', () => {
  const cookie = setCookie(pass, false);
  expect(cookie).toBe(`outcry_dashboard=${pass}; Max-Age=43200; Path=/dashboard; HttpOnly; SameSite=Strict`);
  expect(setCookie(pass, true)).toBe(`${cookie}; Secure`);
  expect(setCookie('', false)).toMatch(/^outcry_dashboard=; Max-Age=0; /);
});
