/** Bun's publish with batching by hand: gathers for a fixed time, then publishes everything as one message. */
const windowMs = Number(process.argv[2]);
let gathered: Buffer[] = [];
const flush = () => {
  server.publish('room', Buffer.concat(gathered));
  gathered = [];
};
const server = Bun.serve({
  hostname: '127.0.0.1',
  port: 0,
  fetch: (request, server) => (server.upgrade(request) ? undefined : new Response(null, { status: 400 })),
  websocket: {
    open: (ws) => void ws.subscribe('room'),
    message: (_ws, message) =>
      void (gathered.push(Buffer.from(message)) === 1 && setTimeout(flush, windowMs)),
  },
});
console.log(JSON.stringify({ msg: 'listening', port: server.port }));
