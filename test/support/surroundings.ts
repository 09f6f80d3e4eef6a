/**
 * Surroundings for the SDK in tests: sockets of the package `ws`, which every Node has.
 */
import { WebSocket } from 'ws';
import { type Surroundings, surroundings } from '../../src/client/surroundings.ts';

/** As the world is, except that the way back after a loss is short. */
export const calm: Surroundings = { ...surroundings, WebSocket, random: () => 0.05 };

export const timesFaster = 20;

/** With a clock that runs faster: what takes ten seconds takes half of one. Sockets take the time that they take. */
export const hurried: Surroundings = {
  ...calm,
  clock: {
    now: () => performance.now() * timesFaster,
    after(delayMs, run) {
      const handle = setTimeout(run, delayMs / timesFaster);
      return { cancel: () => clearTimeout(handle) };
    },
  },
};
