/** Bun's own HTTP server and nothing else: what a request costs whose JSON body is parsed and answered in JSON. */
const server = Bun.serve({
  hostname: '127.0.0.1',
  port: 0,
  async fetch(request) {
    const { channel } = (await request.json()) as { channel?: string };
    return Response.json({ published: channel === undefined ? 0 : 1 });
  },
});
console.log(JSON.stringify({ msg: 'listening', port: server.port }));
