/**
 * The contract between a node and the other nodes.
 *
 * `publish` on a node reaches its own subscribers through the hub and everybody else's through the bridge. A bridge
 * promises:
 *
 * - **Reach.** A publication that it takes is delivered to every other node that has a subscriber in the channel, at
 *   most once each, and never back to the node that published it.
 * - **Order.** Publications of one node in one channel arrive everywhere in the order of the calls.
 * - **Bytes.** Text stays text and binary stays binary, byte for byte.
 * - **Bounds.** `publish` never blocks and never queues without limit; what cannot be sent is dropped and counted.
 */
import type { Payload } from '../channel/publication.ts';

/** Hands a publication of another node to this node's subscribers. The payload is only valid during the call. */
export type Receive = (channel: string, payload: Payload) => void;

export interface Bridge {
  /** Begins to receive. Called once, before the first `publish`. */
  start(receive: Receive): void;
  /** Takes a publication of this node to all others; the payload is copied or sent before the call returns. */
  publish(channel: string, payload: Payload): void;
  /** Ends all connections; afterwards `publish` does nothing. */
  stop(): Promise<void>;
}
