/**
 * Where a newcomer ends up: taken, or told when to come back.
 */
import { handshakeBytes, RawPeer } from './raw-peer.ts';

/** Whoever is welcome hears something within this, or nothing. */
const welcomeMs = 1_000;

export interface Arrival {
  /** Of the answer; the code of the close that follows a 101 directly; 0 if it was silent or cut off. */
  readonly status: number;
  /** When to come back; 0 if it is welcome. Not a number where nobody said. */
  readonly retryAfterMs: number;
}

/** @param withinMs how long an answer may take */
export async function arrive(
  port: number,
  headers: Record<string, string>,
  withinMs = 10_000,
): Promise<Arrival> {
  const peer = new RawPeer(port);
  const deadline = setTimeout(() => peer.destroy(), withinMs);
  try {
    return await answerTo(peer, headers);
  } catch {
    return { status: 0, retryAfterMs: Number.NaN };
  } finally {
    clearTimeout(deadline);
    peer.destroy();
  }
}

async function answerTo(peer: RawPeer, headers: Record<string, string>): Promise<Arrival> {
  peer.send(handshakeBytes({ headers }));
  const head = await peer.head();
  const retryAfter = /^retry-after: (\d+)/im.exec(head)?.[1];
  if (!head.startsWith('HTTP/1.1 101 ')) {
    await peer.closed;
    return { status: Number(head.split(' ')[1]), retryAfterMs: Number(retryAfter) * 1_000 };
  }
  const first = await Promise.race([
    peer.frame(),
    new Promise<null>((resolve) => setTimeout(resolve, welcomeMs, null)),
  ]);
  if (first?.opcode !== 8) return { status: 101, retryAfterMs: 0 };
  const { retryAfterMs } = JSON.parse(first.payload.subarray(2).toString());
  return { status: first.payload.readUInt16BE(), retryAfterMs: Number(retryAfterMs) };
}
