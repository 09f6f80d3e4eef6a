/** The publish of uWebSockets.js with batching by hand. */
import uws from 'uWebSockets.js';
import { channelOf, channelsIn } from './channels.mjs';
import { gathering } from './gathered.mjs';

const gather = gathering(
  Number(process.argv[2]),
  (channel, messages) => void app.publish(channel, messages, true),
);

const app = uws.App().ws('/*', {
  maxBackpressure: 1_048_576,
  upgrade: (response, request, context) =>
    response.upgrade(
      { channels: channelsIn(`?${request.getQuery()}`) },
      request.getHeader('sec-websocket-key'),
      request.getHeader('sec-websocket-protocol'),
      request.getHeader('sec-websocket-extensions'),
      context,
    ),
  open(ws) {
    for (const channel of /** @type {{ channels?: string[] }} */ (ws).channels ?? []) ws.subscribe(channel);
  },
  // The message dies with this call: it is copied.
  message: (_ws, message) => gather(channelOf(new Uint8Array(message)), Buffer.from(message.slice(0))),
});
app.listen('127.0.0.1', 0, (socket) =>
  console.log(JSON.stringify({ msg: 'listening', port: uws.us_socket_local_port(socket) })),
);
