import { expect, test } from 'vitest';
import { Publication } from '../channel/publication.ts';
import type { Bridge } from './bridge.ts';
import { InProcessBridge } from './in-process-bridge.ts';

test('a node that is alone hears nothing of what it publishes', async () => {
  const heard: string[] = [];
  const bridge: Bridge = new InProcessBridge();
  bridge.start(
    (channel) => heard.push(channel),
    () => heard.push('a gap'),
    () => heard.push('away'),
  );
  bridge.publish('left', Publication.text('hi', 0));
  await bridge.stop();
  bridge.publish('left', Publication.text('still nobody', 0));
  expect(heard).toEqual([]);
});
