/** Bun's own publish and nothing else: what a message to a room costs when nobody stands between. */
const server = Bun.serve({
  hostname: '127.0.0.1',
  port: 0,
  fetch: (request, server) => (server.upgrade(request) ? undefined : new Response(null, { status: 400 })),
  websocket: {
    open: (ws) => void ws.subscribe('room'),
    message: (_ws, message) => void server.publish('room', message),
  },
});
console.log(JSON.stringify({ msg: 'listening', port: server.port }));
