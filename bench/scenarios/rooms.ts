/**
 * `rooms`: chat. From one room to a hundred thousand, always ten people in each, and as many publications whatever their
 * number. What a channel costs that is one of very many.
 */
import type { Reporter } from '../report/reporter.ts';
import type { Running } from '../systems/running.ts';
import { type SweepOptions, sweep } from './sweep.ts';

/** People in a room. */
const groupSize = 10;

export interface RoomsOptions extends SweepOptions {
  /** Numbers of rooms, one after the other. */
  rooms: readonly number[];
}

export async function rooms(options: RoomsOptions, running: Running, reporter: Reporter): Promise<void> {
  for (const channels of options.rooms) {
    // Few rooms have few people; with many, everybody is in several.
    const clients = Math.min(options.clients, channels * groupSize);
    const perSubscriber = Math.max(1, Math.round((channels * groupSize) / clients));
    await sweep(
      'rooms',
      { channels, perSubscriber, popularity: 'even' },
      { ...options, clients },
      running,
      reporter,
    );
  }
}
