/** The publish of uWebSockets.js with batching by hand: gathers for a fixed time, then publishes it as one message. */
import uws from 'uWebSockets.js';

const windowMs = Number(process.argv[2]);
/** @type {Uint8Array[]} */
let gathered = [];
const flush = () => {
  app.publish('room', Buffer.concat(gathered), true);
  gathered = [];
};
const app = uws.App().ws('/*', {
  maxBackpressure: 1_048_576,
  open: (ws) => void ws.subscribe('room'),
  // The message dies with this call: it is copied.
  message: (_ws, message) =>
    void (gathered.push(new Uint8Array(message.slice(0))) === 1 && setTimeout(flush, windowMs)),
});
app.listen('127.0.0.1', 0, (socket) =>
  console.log(JSON.stringify({ msg: 'listening', port: uws.us_socket_local_port(socket) })),
);
