/**
 * What is said to all native clients of this node at once, whatever they have joined. There is one native topic for each
 * codec, so a node with a million clients makes one frame and hands it to the runtime once.
 */
import type { Counter } from '../metrics/counter.ts';
import type { Codec } from '../protocol/codec.ts';
import type { SendResult, Socket } from '../transport/transport.ts';
import { maxBytesOf, type Payload } from './publication.ts';

export interface AnnouncementsOptions {
  codecs: readonly Codec[];
  publishToTopic: (topic: string, payload: Payload, compress: boolean) => SendResult;
  /** Somebody could not take it at once; with the bytes that it may have added. */
  onPressure: (bytes: number) => void;
  metrics: { readonly degradedTold: Counter };
}

export class Announcements {
  readonly #options: AnnouncementsOptions;

  constructor(options: AnnouncementsOptions) {
    this.#options = options;
  }

  /** A client hears what is announced from now on, until it closes. */
  join(codec: Codec, socket: Socket): void {
    socket.subscribe(topicOf(codec));
  }

  /** Takes back `join` for a client that is still open. */
  leave(codec: Codec, socket: Socket): void {
    socket.unsubscribe(topicOf(codec));
  }

  /** Publications of other nodes do not reach this one from now on. */
  degraded(): void {
    const { codecs, publishToTopic, onPressure, metrics } = this.#options;
    metrics.degradedTold.value += 1;
    for (const codec of codecs) {
      const frame = codec.encode({ type: 'degraded' });
      if (publishToTopic(topicOf(codec), frame, false) !== 'sent') onPressure(maxBytesOf(frame));
    }
  }
}

/** Those of channels have a colon behind the subprotocol (`hub.ts`). */
function topicOf({ subprotocol }: Codec): string {
  return subprotocol;
}
