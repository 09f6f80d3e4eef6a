/** Bun's publish with batching by hand. */
import { channelOf, channelsIn } from './channels.mjs';
import { gathering } from './gathered.mjs';

const gather = gathering(
  Number(process.argv[2]),
  (channel, messages) => void server.publish(channel, messages),
);
const server = Bun.serve<{ channels: string[] }>({
  hostname: '127.0.0.1',
  port: 0,
  fetch: (request, server) =>
    server.upgrade(request, { data: { channels: channelsIn(request.url) } }) ? undefined : new Response(),
  websocket: {
    open(ws) {
      for (const channel of ws.data.channels) ws.subscribe(channel);
    },
    message: (_ws, message) => gather(channelOf(message as Buffer), Buffer.from(message as Buffer)),
  },
});
console.log(JSON.stringify({ msg: 'listening', port: server.port }));
