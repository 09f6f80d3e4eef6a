/** One client: what it may send and join, what may wait for it, and for how long it may be silent. */
import { integer, type Setting } from '../setting.ts';

export const connectionSettings = {
  maxPayloadBytes: integer({
    default: 65_536,
    min: 1,
    max: 16_777_216,
    unit: 'bytes',
    sentence: 'Largest message that a client may send; a larger one closes the connection with 1009.',
  }),
  backpressureLimitBytes: integer({
    default: 1_048_576,
    min: 65_536,
    max: 268_435_456,
    unit: 'bytes',
    sentence:
      'Bytes that may wait for one slow client. It is cut off before it exceeds them, from seven eighths on: it gets nothing more, and is closed with 4001 if it takes what waits within a second, else terminated.',
  }),
  slowConsumerTimeoutMs: integer({
    default: 10_000,
    min: 500,
    max: 600_000,
    unit: 'ms',
    sentence:
      'A client for which bytes wait this long without ever becoming fewer is terminated, however few they are.',
  }),
  maxDelayMs: integer({
    default: 20,
    min: 0,
    max: 10_000,
    unit: 'ms',
    sentence:
      'How long a publication may wait for others on a busy node, so that they share their system calls; on an idle node none waits. 0 never waits.',
  }),
  rawGapSpreadMs: integer({
    default: 3_000,
    min: 0,
    max: 600_000,
    unit: 'ms',
    sentence:
      'Raw members that are closed because publications may be missing (`rawGap` of their namespace) are closed one by one over this long.',
  }),
  idleTimeoutMs: integer({
    default: 40_000,
    min: 300,
    max: 3_600_000,
    unit: 'ms',
    sentence:
      'A connection from which nothing arrives for this long, answers to our pings included, is terminated. An idle one is pinged every two thirds of it.',
  }),
  maxControlFrames: integer({
    default: 100,
    min: 1,
    max: 1_000_000,
    unit: 'frames',
    sentence:
      'Pings and pongs that a connection may send within a third of `idleTimeoutMs`; more close it with 1008.',
  }),
  connectTimeoutMs: integer({
    default: 10_000,
    min: 100,
    max: 600_000,
    unit: 'ms',
    sentence: 'A native client that does not say connect for this long is closed with 4501.',
  }),
  maxSubscriptions: integer({
    default: 1_000,
    min: 1,
    max: 1_000_000,
    unit: 'channels',
    sentence: 'Channels that one native connection may have joined; more are refused with error 107.',
  }),
  maxSubscriptionChangesPerSecond: integer({
    default: 5_000,
    min: 1,
    max: 10_000_000,
    unit: 'channels',
    sentence: 'Channels that one native connection may join and leave in a second; more get error 202.',
  }),
} as const satisfies Record<string, Setting>;
