/** The publish of uWebSockets.js and nothing else: what a message to a channel costs when nobody stands between. */
import uws from 'uWebSockets.js';
import { channelOf, channelsIn } from './channels.mjs';

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
  message: (_ws, message, isBinary) =>
    void app.publish(channelOf(new Uint8Array(message)), message, isBinary),
});
app.listen('127.0.0.1', 0, (socket) =>
  console.log(JSON.stringify({ msg: 'listening', port: uws.us_socket_local_port(socket) })),
);
