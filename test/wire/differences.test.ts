/**
 * Where the runtimes differ: each row of the table is true on the runtime of this test run, and stands in the documents.
 */
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startNode, type TestNode } from '../support/node.ts';
import { frame, handshakeBytes, openRaw, RawPeer } from '../support/raw-peer.ts';
import { differences, runtime } from '../support/runtimes.ts';

let node: TestNode;
beforeAll(async () => {
  node = await startNode();
});
afterAll(() => node.stop());

/** The bytes of a handshake; several are written one after the other. */
const handshakes: Record<keyof typeof differences.handshakes, Buffer | Buffer[]> = {
  'an absolute request target': handshakeBytes({ target: 'http://localhost/raw/abc' }),
  '49 headers': handshakeBytes({ headers: headers(44) }),
  '200 headers': handshakeBytes({ headers: headers(195) }),
  '150 headers of 100 bytes': handshakeBytes({ headers: headers(145, 100) }),
  '2,000 headers': handshakeBytes({ headers: headers(1_995) }),
  'a head above 4 KiB that arrives in pieces': inPieces(
    handshakeBytes({ headers: { Cookie: 'x'.repeat(5_000) } }),
  ),
  'HTTP/1.0 with Host': handshakeBytes({ version: 'HTTP/1.0' }),
  'HTTP/1.0 without Host': handshakeBytes({ version: 'HTTP/1.0', headers: { Host: null } }),
  'HTTP/1.1 without Host': handshakeBytes({ headers: { Host: null } }),
  'a version other than 1.0 and 1.1': handshakeBytes({ version: 'HTTP/2.0' }),
  'a bare line feed': Buffer.from(handshakeBytes().toString().replace('\r\n', '\n')),
  'a control byte in a header': handshakeBytes({ headers: { 'X-A': 'a\u0001b' } }),
  'a header without a name, behind the others': handshakeBytes({ headers: { '': 'x' } }),
  'Content-Length with Transfer-Encoding': handshakeBytes({
    headers: { 'Content-Length': '3', 'Transfer-Encoding': 'chunked' },
    body: 'abc',
  }),
};

// All at once: where the answer is silence, each takes its time.
describe.concurrent('a handshake with', () => {
  it.each(Object.entries(differences.handshakes))('%s', async (name, expected) => {
    const bytes = handshakes[name as keyof typeof handshakes];
    expect(await answerTo([bytes].flat())).toBe(expected[runtime]);
  });
});

describe('a client that sends', () => {
  /** Frames that end the connection. */
  const frames = {
    'a reserved bit': frame(1, 'x', { rsv: 4 }),
    'a reserved opcode': frame(3, 'x'),
    'a control frame above 125 bytes': frame(9, 'x'.repeat(126)),
    'a fragmented control frame': frame(9, 'x', { fin: false }),
    'text that is not UTF-8': frame(1, Buffer.from([0xff])),
    'a message above twice `maxPayloadBytes`': frame(1, 'x'.repeat(2 * 65_536 + 1)),
    'a declared length of 2^62': Buffer.from([0x81, 0xff, 0x40, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]),
  } satisfies Partial<Record<keyof typeof differences.frames, Buffer>>;

  it.each(Object.entries(frames))('%s sees its end, and it is counted', async (name, bytes) => {
    const [code, reason = ''] = differences.frames[name as keyof typeof frames][runtime].split(/, `|`/);
    const series = `outcry_connections_closed_total{reason="${reason}"}`;
    const before = await node.metric(series);
    const peer = await openRaw(node.port);
    peer.send(bytes);
    expect(await closeCode(peer)).toBe(Number(code));
    await node.untilMetric(series, before + 1);
  });

  it('a frame without a mask', async () => {
    const peer = await openRaw(node.port, { target: '/raw/unmasked' });
    // The first four bytes of the payload, taken for a mask, leave the others as they are.
    peer.send(Buffer.concat([frame(1, '\0\0\0\0text', { mask: false }), Buffer.from(' too')]));
    const { opcode, payload } = await peer.frame();
    const seen = opcode === 8 ? `${payload.readUInt16BE()}, \`protocol_error\`` : 'read as if it had one';
    expect(seen).toBe(differences.frames['a frame without a mask'][runtime]);
    if (opcode === 1) expect(payload.toString()).toBe('text too');
    peer.destroy();
  });

  it('a frame sent before the 101', async () => {
    const peer = new RawPeer(node.port);
    peer.send(Buffer.concat([handshakeBytes({ target: '/raw/early' }), frame(1, 'early')]));
    expect(await peer.head()).toMatch(/^HTTP\/1\.1 101 /);
    peer.send(frame(1, 'in time'));
    const first = (await peer.frame()).payload.toString();
    expect(first === 'early' ? 'heard' : 'lost').toBe(
      differences.frames['a frame sent before the 101'][runtime],
    );
    if (first === 'early') expect((await peer.frame()).payload.toString()).toBe('in time');
    else expect(first).toBe('in time');
    peer.destroy();
  });
});

it('stand in docs/security.md', () => {
  const document = readFileSync(new URL('../../docs/security.md', import.meta.url), 'utf8');
  const rows = Object.values(differences)
    .flatMap((table) => Object.entries(table))
    .map(([input, { bun, node: uws }]) => `| ${input} | ${bun} | ${uws} |`);
  expect(rows.filter((row) => !document.includes(`\n${row}\n`))).toEqual([]);
});

/** What becomes of a request, in the words of the table. */
async function answerTo(pieces: Buffer[]): Promise<string> {
  const startedAt = performance.now();
  const peer = new RawPeer(node.port);
  for (const [index, piece] of pieces.entries()) {
    if (index > 0) await untilRead();
    await new Promise<void>((resolve) => peer.socket.write(piece, () => resolve()));
  }
  const head = await peer.head().catch(() => null);
  if (head?.startsWith('HTTP/1.1 101 ')) {
    peer.destroy();
    return '101';
  }
  await peer.closed;
  if (head !== null) return head.split(' ')[1] ?? '';
  // The answer or its absence is what is tested; the time only tells the two kinds of absence apart.
  const late = performance.now() - startedAt > 7_000;
  return late ? 'closed without an answer after 8 to 12 s' : 'closed without an answer';
}

/** When the node has answered a whole handshake, it has read what others had sent before. */
async function untilRead(): Promise<void> {
  for (let turns = 0; turns < 2; turns += 1) (await openRaw(node.port)).destroy();
}

/** The code that ends the connection; 1006 if it ends without one (RFC 6455, section 7.1.5). */
async function closeCode(peer: RawPeer): Promise<number> {
  const last = await peer.frame().catch(() => null);
  await peer.closed;
  if (last === null) return 1006;
  expect(last.opcode).toBe(8);
  return last.payload.readUInt16BE();
}

function headers(count: number, bytes = 1): Record<string, string> {
  return Object.fromEntries(Array.from({ length: count }, (_, i) => [`X-${i}`, 'y'.repeat(bytes)]));
}

/** More than 4 KiB first, then the rest. */
function inPieces(bytes: Buffer): Buffer[] {
  const start = 4_500;
  return [bytes.subarray(0, start), bytes.subarray(start)];
}
