/**
 * What is not the same on the two runtimes at the transport. A difference is data: the cases assert what is written here,
 * on both, and each has its row in docs/security.md.
 */
import type { SendResult } from '../../src/transport/transport.ts';
import { type Runtime, runtime } from '../support/runtimes.ts';

/** What becomes of a peer that broke the protocol. */
export interface Ending {
  /** The code that it sees; 1006 if the connection ends without a close frame. */
  peer: number;
  /** The code that the session is told. */
  session: number;
}

export interface Differences {
  /** What `publish` returns when everybody took the payload at once. */
  published: SendResult;
  /** What becomes of a payload that was published before its subscriber was terminated in the same turn. */
  publishedBeforeTerminate: 'delivered' | 'lost';
  /** Frames that came with the handshake, when that is answered in the turn in which it came. */
  pipelined: 'delivered' | 'lost';
  /** The same when it is answered later. */
  pipelinedBehindUndecided: 'refused with 400' | 'lost';
  /** `Content-Length` of a reply to HEAD after which the connection is closed. */
  lengthOfHeadAndClose: 'that of the body' | '0';
  /**
   * The statuses that a peer gets before the end of the connection when it sends a frame, or a request, together with a
   * handshake that is refused. Neither is ever heard.
   */
  refusedWith: Readonly<Record<'frame' | 'request', { atOnce: number[]; later: number[] }>>;
  /** Dot segments of a path. */
  dotSegments: 'resolved' | 'kept';
  /** A frame without a mask. */
  unmasked: 'refused' | 'read as if it were masked';
  /** Endings by the code that RFC 6455 has for the violation. */
  violation: Readonly<Record<1002 | 1007 | 1009, Ending>>;
  /** Something compressed that is no DEFLATE. */
  brokenDeflate: Ending;
  /** The bit of compression in a ping, or where a message goes on. */
  strayCompressedBit: 'refused' | 'the next message is taken for a compressed one';
  /** A peer's close codes that are taken for violations although RFC 6455 or the IANA registry allow them. */
  refusedCloseCodes: readonly number[];
  /** What a session is told, and the peer answered, after a close frame with a code that is not allowed. */
  badCloseCode: Ending;
  /** The same for a close frame with one byte. */
  halfCloseCode: Ending;
  /** A message that exceeds `maxPayloadBytes` over fragments and is not finished. */
  unfinishedBeyondLimit: 'refused' | 'refused beyond twice the limit';
}

const byRuntime: Readonly<Record<Runtime, Differences>> = {
  bun: {
    published: 'sent',
    publishedBeforeTerminate: 'delivered',
    pipelined: 'delivered',
    pipelinedBehindUndecided: 'refused with 400',
    lengthOfHeadAndClose: 'that of the body',
    refusedWith: { frame: { atOnce: [403, 400], later: [400] }, request: { atOnce: [403], later: [] } },
    dotSegments: 'resolved',
    unmasked: 'refused',
    violation: {
      1002: { peer: 1002, session: 1002 },
      1007: { peer: 1007, session: 1007 },
      1009: { peer: 1009, session: 1009 },
    },
    brokenDeflate: { peer: 1007, session: 1007 },
    strayCompressedBit: 'refused',
    refusedCloseCodes: [],
    badCloseCode: { peer: 1002, session: 1002 },
    halfCloseCode: { peer: 1002, session: 1002 },
    unfinishedBeyondLimit: 'refused',
  },
  node: {
    published: 'buffered',
    publishedBeforeTerminate: 'lost',
    pipelined: 'lost',
    pipelinedBehindUndecided: 'lost',
    lengthOfHeadAndClose: '0',
    refusedWith: { frame: { atOnce: [403], later: [403] }, request: { atOnce: [], later: [] } },
    dotSegments: 'kept',
    unmasked: 'read as if it were masked',
    violation: {
      1002: { peer: 1006, session: 1006 },
      1007: { peer: 1006, session: 1007 },
      1009: { peer: 1006, session: 1009 },
    },
    brokenDeflate: { peer: 1006, session: 1009 },
    strayCompressedBit: 'the next message is taken for a compressed one',
    refusedCloseCodes: [1012, 1013, 1014, 3000, 3999],
    badCloseCode: { peer: 1005, session: 1006 },
    halfCloseCode: { peer: 1005, session: 1005 },
    unfinishedBeyondLimit: 'refused beyond twice the limit',
  },
};

/** On the runtime of this test run. */
export const differences: Differences = byRuntime[runtime];
