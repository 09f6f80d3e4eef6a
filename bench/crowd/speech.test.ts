import { expect, test } from 'vitest';
import { type DialectName, dialects } from '../generator/dialects/catalogue.ts';
import { clientFrame } from '../generator/websocket.ts';
import { type Hearer, speechOf } from './speech.ts';

function spoken(name: DialectName) {
  const heard: string[] = [];
  const hearer: Hearer = {
    joined: () => heard.push('joined'),
    send: (frames) => heard.push(`says ${frames.toString('hex')}`),
    records: (_bytes, _offset, count) => heard.push(`${count} records`),
    mangled: () => heard.push('mangled'),
  };
  return { ...speechOf(dialects[name](100), hearer), heard };
}

test('a raw room is joined with the handshake, and nothing is said in it', () => {
  const { greeting, joinsAtOnce, listener, heard } = spoken('raw');
  expect([greeting.length, joinsAtOnce]).toEqual([0, true]);
  listener(Buffer.alloc(200), 0, 200);
  expect(heard).toEqual(['2 records']);
});

test('a native client greets once, and has joined when it is answered', () => {
  const { greeting, joinsAtOnce, listener, heard } = spoken('outcry-msgpack');
  expect(greeting.length).toBeGreaterThan(10);
  expect(joinsAtOnce).toBe(false);
  // [2, 2, …] is the answer to a subscribe, [5] a ping.
  listener(Buffer.from([0x93, 2, 2, 0x90]), 0, 4);
  listener(Buffer.from([0x91, 5]), 0, 2);
  expect(heard).toEqual(['joined', `says ${clientFrame(2, Buffer.from([0x91, 6])).toString('hex')}`]);
});
