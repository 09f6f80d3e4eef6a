import { expect, test } from 'vitest';
import type { Bridge } from './bridge.ts';
import { InProcessBridge } from './in-process-bridge.ts';

test('a node that is alone hears nothing of what it publishes', async () => {
  const heard: string[] = [];
  const bridge: Bridge = new InProcessBridge();
  bridge.start((channel) => heard.push(channel));
  bridge.publish('left', 'hi');
  await bridge.stop();
  bridge.publish('left', 'still nobody');
  expect(heard).toEqual([]);
});
