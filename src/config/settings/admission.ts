/** How much a node takes in: WebSockets, memory, requests that may become one. */
import { integer, integerOrAuto, type Setting } from '../setting.ts';

export const admissionSettings = {
  maxConnections: integerOrAuto({
    min: 1,
    max: 10_000_000,
    unit: 'connections',
    sentence:
      'WebSockets that this node holds at most; further ones get 503. By default the descriptor limit less a reserve.',
  }),
  maxHandshakesPerSecond: integer({
    default: 5_000,
    min: 1,
    max: 1_000_000,
    unit: 'handshakes',
    sentence:
      'WebSockets that this node takes in a second, and at once after a quiet second, so that who is connected does not suffer from a herd of newcomers; the others are told when to come back, with 1013 or 503.',
  }),
  memoryLimitBytes: integerOrAuto({
    min: 1_048_576,
    max: 1_099_511_627_776,
    unit: 'bytes',
    sentence:
      'Resident memory from which on this process sheds load: newcomers are refused from 80 % of it, histories are not read for those who join from 90 %, those who are furthest behind are terminated from 100 %. By default 80 % of what the machine or the container has, divided by the workers.',
  }),
  maxUrlBytes: integer({
    default: 4_096,
    min: 256,
    max: 16_384,
    unit: 'bytes',
    sentence: 'Longest path and query of a request; a longer one gets 414.',
  }),
  maxHeaderBytes: integer({
    default: 8_192,
    min: 1_024,
    max: 16_384,
    unit: 'bytes',
    sentence: 'Names and values of all headers of a request together; more get 431.',
  }),
} as const satisfies Record<string, Setting>;
