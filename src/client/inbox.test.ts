import { expect, it } from 'vitest';
import { Inbox } from './inbox.ts';
import { OutcryError } from './outcry-error.ts';

function anInbox(capacity = 3) {
  const returned: Inbox<number>[] = [];
  return { inbox: new Inbox<number>(capacity, (inbox) => returned.push(inbox)), returned };
}

const item = (value: number) => ({ done: false, value });
const end = { done: true, value: undefined };

it('hands out what waits, and then what comes, in order', async () => {
  const { inbox } = anInbox();
  inbox.put(1);
  inbox.put(2);
  expect([await inbox.next(), await inbox.next()]).toEqual([item(1), item(2)]);
  const coming = [inbox.next(), inbox.next()];
  inbox.put(3);
  inbox.put(4);
  expect(await Promise.all(coming)).toEqual([item(3), item(4)]);
});

it('keeps its order over many turns', async () => {
  const { inbox } = anInbox(4);
  const got: (number | undefined)[] = [];
  for (let next = 0; next < 100; next += 2) {
    inbox.put(next);
    inbox.put(next + 1);
    got.push((await inbox.next()).value);
    if (next % 4 === 2) got.push((await inbox.next()).value, (await inbox.next()).value);
  }
  expect(got).toEqual(Array.from({ length: 100 }, (_, index) => index));
});

it('hands out everything that fitted, then says that there was more, then is at its end', async () => {
  const { inbox, returned } = anInbox(2);
  for (const value of [1, 2, 3, 4]) inbox.put(value);
  expect([await inbox.next(), await inbox.next()]).toEqual([item(1), item(2)]);
  inbox.put(5);
  await expect(inbox.next()).rejects.toMatchObject({ name: 'overflow', code: 191, retryable: false });
  expect(await inbox.next()).toEqual(end);
  expect(returned).toContain(inbox);
});

it('ends those who wait', async () => {
  const { inbox } = anInbox();
  const waiting = [inbox.next(), inbox.next()];
  inbox.end(null);
  expect(await Promise.all(waiting)).toEqual([end, end]);
});

it('tells the error to the first who waits', async () => {
  const { inbox } = anInbox();
  const [first, second] = [inbox.next(), inbox.next()];
  inbox.end(OutcryError.of('sent_away', 'gone'));
  await expect(first).rejects.toMatchObject({ name: 'sent_away' });
  expect([await second, await inbox.next()]).toEqual([end, end]);
});

it('says when its loop is left, and keeps nothing', async () => {
  const { inbox, returned } = anInbox();
  inbox.put(1);
  for await (const value of inbox) {
    expect(value).toBe(1);
    break;
  }
  inbox.put(2);
  expect(returned).toEqual([inbox]);
  expect(await inbox.next()).toEqual(end);
});

it('makes room for a history, and no more than that', async () => {
  const { inbox } = anInbox(2);
  for (const value of [1, 2, 3, 4, 5]) inbox.put(value, true);
  for (const value of [6, 7]) inbox.put(value);
  for (const value of [1, 2, 3, 4, 5, 6, 7]) expect(await inbox.next()).toEqual(item(value));
  for (const value of [8, 9, 10]) inbox.put(value);
  expect([await inbox.next(), await inbox.next()]).toEqual([item(8), item(9)]);
  await expect(inbox.next()).rejects.toMatchObject({ name: 'overflow' });
});
