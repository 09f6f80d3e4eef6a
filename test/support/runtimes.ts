/**
 * The runtime that this test run is about, and everything that a peer can see of the choice.
 *
 * `differences` is the whole list: whatever is not in it is the same on both. Each row is asserted on both runtimes
 * (`test/wire/differences.test.ts`) and stands in docs/security.md.
 */
export type Runtime = 'bun' | 'node';

/** As the launcher reads it: every node that a test starts inherits it. */
export const runtime: Runtime = process.env.OUTCRY_RUNTIME === 'node' ? 'node' : 'bun';

/** What a peer sees on each runtime, in the words of docs/security.md. */
export type Difference = Readonly<Record<Runtime, string>>;

const accepted = '101';
const closed = 'closed without an answer';
/** uWebSockets.js takes what it cannot read for the beginning of a request and waits for the rest. */
const closedLate = 'closed without an answer after 8 to 12 s';

const malformedFrame = { bun: '1002, `protocol_error`', node: '1006, `abnormal`' };

export const differences = {
  handshakes: {
    'an absolute request target': { bun: accepted, node: closedLate },
    '49 headers': { bun: accepted, node: closedLate },
    '200 headers': { bun: '431', node: closedLate },
    '150 headers of 100 bytes': { bun: '431', node: closed },
    '2,000 headers': { bun: '431', node: closed },
    'a head above 4 KiB that arrives in pieces': { bun: accepted, node: closed },
    'HTTP/1.0 with Host': { bun: accepted, node: closedLate },
    'HTTP/1.0 without Host': { bun: '400', node: closedLate },
    'HTTP/1.1 without Host': { bun: '400', node: closed },
    'a version other than 1.0 and 1.1': { bun: '505', node: closedLate },
    'a bare line feed': { bun: '505', node: closedLate },
    'a control byte in a header': { bun: '400', node: closedLate },
    'a header without a name, behind the others': { bun: '400', node: accepted },
    'Content-Length with Transfer-Encoding': { bun: '400', node: closed },
  },
  frames: {
    'a reserved bit': malformedFrame,
    'a reserved opcode': malformedFrame,
    'a control frame above 125 bytes': malformedFrame,
    'a fragmented control frame': malformedFrame,
    'text that is not UTF-8': { bun: '1007, `protocol_error`', node: '1006, `protocol_error`' },
    'a message above twice `maxPayloadBytes`': {
      bun: '1009, `message_too_big`',
      node: '1006, `message_too_big`',
    },
    'something compressed that is no DEFLATE': {
      bun: '1007, `protocol_error`',
      node: '1006, `message_too_big`',
    },
    'a declared length of 2^62': { bun: '1009, `message_too_big`', node: '1006, `message_too_big`' },
    'a frame without a mask': { bun: '1002, `protocol_error`', node: 'read as if it had one' },
    'a frame sent before the 101': { bun: 'heard', node: 'lost' },
  },
} as const satisfies Record<string, Record<string, Difference>>;
