/**
 * What messages of a node mean, which is the same in every codec: the tests of the wires of the SDK compare with these.
 */
export const position = { epoch: 'e', offset: 57 };

export const connected = {
  type: 'connected',
  node: 'left',
  boot: 'b',
  connection: 'b-7',
  time: 1_764_000_000_000,
  pingIntervalMs: 26_667,
  maxPayloadBytes: 65_536,
};

/** The channel `chat`, of which nothing is kept. */
export const chat = joined({ channel: 'chat', number: 12, sequence: 40 });

export const oneJoinedOneRefused = subscribed(
  [{ ...chat, degraded: true }],
  [{ channel: 'x', code: 111, message: 'no' }],
);

export const oneRecoveredOneNot = subscribed([
  joined({ channel: 'a', number: 1, sequence: 4, position, recovered: true }),
  joined({
    ...{ channel: 'b', number: 2, sequence: 0, degraded: true },
    ...{ recovered: false, reason: 'unavailable' },
  }),
]);

export function joinedWithSnapshot(count: number): object {
  return subscribed([joined({ channel: 'a', number: 1, sequence: 4, position, snapshot: count })]);
}

export const published = { type: 'published', id: 4, degraded: false, position: null, duplicate: false };

export function subscribed(channels: readonly object[], refused: readonly object[] = []): object {
  return { type: 'subscribed', id: 2, channels, refused };
}

function joined(fields: { channel: string; number: number; sequence: number; [more: string]: unknown }) {
  return { degraded: false, position: null, recovered: null, reason: null, snapshot: null, ...fields };
}
