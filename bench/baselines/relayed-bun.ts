/**
 * What the usual tutorial does with several servers: whoever gets a message publishes it to one Redis channel, and every
 * server hands what it hears there to its own clients. With the client library as it comes: it connects again, subscribes again,
 * and holds back what is published meanwhile.
 *
 * Arguments: the address of the Redis, and the port to listen on.
 */
import { Redis } from 'ioredis';
import { channelOf, channelsIn } from './channels.mjs';

const [redisUrl = '', port = '0'] = process.argv.slice(2);
const everything = 'messages';
const publisher = new Redis(redisUrl);
const subscriber = new Redis(redisUrl);
// Without a listener it prints each failed attempt.
for (const connection of [publisher, subscriber]) connection.on('error', () => {});

const server = Bun.serve<{ channels: string[] }>({
  hostname: '127.0.0.1',
  port: Number(port),
  fetch: (request, server) =>
    server.upgrade(request, { data: { channels: channelsIn(request.url) } }) ? undefined : new Response(),
  websocket: {
    open(ws) {
      for (const channel of ws.data.channels) ws.subscribe(channel);
    },
    message(_ws, message) {
      publisher.publish(everything, message as Buffer).catch(() => {});
    },
  },
});
subscriber.on('messageBuffer', (_channel, message: Buffer) => {
  server.publish(channelOf(message), message);
});
await subscriber.subscribe(everything);
console.log(JSON.stringify({ msg: 'listening', port: server.port }));
