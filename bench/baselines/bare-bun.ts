/** Bun's own publish and nothing else: what a message to a channel costs when nobody stands between. */
import { channelOf, channelsIn } from './channels.mjs';

const server = Bun.serve<{ channels: string[] }>({
  hostname: '127.0.0.1',
  port: 0,
  fetch: (request, server) =>
    server.upgrade(request, { data: { channels: channelsIn(request.url) } }) ? undefined : new Response(),
  websocket: {
    open(ws) {
      for (const channel of ws.data.channels) ws.subscribe(channel);
    },
    message: (_ws, message) => void server.publish(channelOf(message as Buffer), message),
  },
});
console.log(JSON.stringify({ msg: 'listening', port: server.port }));
