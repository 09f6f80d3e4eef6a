/** The publish of uWebSockets.js and nothing else: what a message to a room costs when nobody stands between. */
import uws from 'uWebSockets.js';

const app = uws.App().ws('/*', {
  maxBackpressure: 1_048_576,
  open: (ws) => void ws.subscribe('room'),
  message: (_ws, message, isBinary) => void app.publish('room', message, isBinary),
});
app.listen('127.0.0.1', 0, (socket) =>
  console.log(JSON.stringify({ msg: 'listening', port: uws.us_socket_local_port(socket) })),
);
