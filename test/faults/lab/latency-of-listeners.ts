/** From now on, how long messages take to the listeners of a stage. */
import { LatencyLog } from './latency-log.ts';
import { opened } from './message.ts';
import type { Stage } from './stage.ts';

export function latencyOfListeners({ listeners, channels }: Stage): LatencyLog {
  const log = new LatencyLog();
  for (const listener of listeners)
    for (const channel of channels)
      if (listener.joined(channel))
        listener.client.subscribe(channel).on('publication', ({ data }) => {
          const message = opened(data);
          if (message !== null && message !== 'damaged') log.took(message.sentAt, performance.now());
        });
  return log;
}
