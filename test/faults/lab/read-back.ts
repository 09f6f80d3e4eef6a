/**
 * What a history has of what the lab has published: asked as a late joiner asks.
 */
import { connect } from '../../../src/client/client.ts';
import { until } from '../../support/until.ts';
import type { Ledger } from './ledger.ts';
import { type LabMessage, opened } from './message.ts';
import { PlainWebSocket } from './pausable-web-socket.ts';
import { Speaker } from './speaker.ts';

/** More than any scenario publishes into one channel. */
const all = 10_000;

/** Every message that is kept, the oldest first. */
export async function readBack(url: string, channel: string, ledger: Ledger): Promise<LabMessage[]> {
  const client = connect(url, { WebSocket: PlainWebSocket });
  const reader = new Speaker({ name: 'reader', url, channels: [channel], ledger, messagesPerSecond: 0 });
  const kept: LabMessage[] = [];
  try {
    const subscription = client.subscribe(channel, { last: all });
    subscription.on('publication', ({ data }) => {
      const message = opened(data);
      if (message !== null && message !== 'damaged') kept.push(message);
    });
    await subscription.ready();
    // In a channel with history everything has one order: what was kept comes before this.
    await reader.say();
    await until(
      () => kept.at(-1)?.publisher,
      (publisher) => publisher === 'reader',
      { what: 'the end of what is kept' },
    );
    return kept.slice(0, -1);
  } finally {
    await Promise.all([client.close(), reader.close()]);
  }
}
