/**
 * A program of the lab: clients that join and stay, in a process of their own, so that they can be somewhere else.
 *
 *     far-clients.ts ws://198.18.0.1:9001 500 busy-channel quiet-channel
 *
 * Every second one is raw, in the room of the first channel; the others are the SDK, each in one of the channels. It prints `joined`
 * when all have, and stays until it is ended.
 */
import { connect } from '../../../src/client/client.ts';
import { TestClient } from '../../support/client.ts';
import { PlainWebSocket } from './pausable-web-socket.ts';

const [url = '', count = '', ...channels] = process.argv.slice(2);

async function arrive(index: number): Promise<void> {
  if (index % 2 === 0) {
    await TestClient.open(`${url}/raw/${channels[0]}`);
    return;
  }
  const client = connect(url, { WebSocket: PlainWebSocket });
  client.on('error', () => {}); // That is what it is here for.
  await client.subscribe(channels[(index >> 1) % channels.length] as string).ready();
}

await Promise.all(Array.from({ length: Number(count) }, (_, index) => arrive(index)));
console.log('joined');
