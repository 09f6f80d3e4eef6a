/** The process: where it runs, where its clients find it, and what it is called. */
import { choice, integer, integerOr, optionalText, type Setting, text } from '../setting.ts';

export const nodeSettings = {
  runtime: choice({
    words: ['bun', 'node'],
    default: 'bun',
    sentence:
      'Runtime that the launcher starts the node on; `node` needs the package uWebSockets.js (see the README).',
  }),
  host: text({
    default: '0.0.0.0',
    max: 255,
    sentence: 'Address of the public listener: WebSockets, the demo page and the health routes.',
  }),
  port: integer({
    default: 8080,
    min: 0,
    max: 65_535,
    sentence: 'Port of the public listener; 0 takes any free one and says which in the log.',
  }),
  workers: integerOr({
    word: 'auto',
    default: 1,
    min: 1,
    max: 512,
    unit: 'processes',
    sentence:
      'Processes that share the public port, each a node with its own descriptors and its own `maxConnections`; `auto` is one for each core. More than one are joined by a relay, started again when they die, and have one admin listener. Linux only.',
  }),
  relayMaxBytesWaiting: integer({
    default: 33_554_432,
    min: 1_048_576,
    max: 1_073_741_824,
    unit: 'bytes',
    sentence:
      'Bytes that may wait in the relay for a worker that does not take them; beyond them it is cut off, comes back and tells of a gap.',
  }),
  nodeId: optionalText({
    max: 64,
    sentence: 'Name of this node in logs and in the hello frame; by default the host name and the port.',
  }),
} as const satisfies Record<string, Setting>;
