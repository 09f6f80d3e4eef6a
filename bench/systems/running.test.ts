import { expect, test } from 'vitest';
import { Running, type Stoppable } from './running.ts';

function thing(name: string, stopped: string[]): Stoppable {
  return {
    async stop() {
      stopped.push(name);
    },
  };
}

test('stops everything, what was started last first', async () => {
  const stopped: string[] = [];
  const running = new Running();
  running.add(thing('redis', stopped));
  running.add(thing('node', stopped));
  await running.stopAll();
  expect(stopped).toEqual(['node', 'redis']);
});

test('stops what was stopped by itself only once', async () => {
  const stopped: string[] = [];
  const running = new Running();
  const node = running.add(thing('node', stopped));
  await running.stop(node);
  await running.stopAll();
  expect(stopped).toEqual(['node']);
});

test('stops at once what is started after the end', async () => {
  const stopped: string[] = [];
  const running = new Running();
  await running.stopAll();
  running.add(thing('late', stopped));
  expect(stopped).toEqual(['late']);
});
