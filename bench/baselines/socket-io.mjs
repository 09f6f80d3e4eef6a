/**
 * Socket.IO as its guide to performance advises: WebSocket only, no compression, the first request of a connection let go.
 * With the address of a Redis as argument the nodes are joined by the Redis adapter; with `--recovery` it keeps what clients
 * miss, as its page on connection state recovery shows.
 */
import { createServer } from 'node:http';
import { Server } from 'socket.io';

const [argument] = process.argv.slice(2);
const recovers = argument === '--recovery';
const redisUrl = recovers ? undefined : argument;

const http = createServer();
const io = new Server(http, {
  transports: ['websocket'],
  perMessageDeflate: false,
  httpCompression: false,
  serveClient: false,
  ...(recovers
    ? { connectionStateRecovery: { maxDisconnectionDuration: 2 * 60 * 1_000, skipMiddlewares: true } }
    : {}),
});
if (redisUrl) {
  const { createAdapter } = await import('@socket.io/redis-adapter');
  const { Redis } = await import('ioredis');
  io.adapter(createAdapter(new Redis(redisUrl), new Redis(redisUrl)));
}
io.engine.on('connection', (connection) => {
  connection.request = null;
});
io.on('connection', (socket) => {
  socket.on('subscribe', async (/** @type {string[]} */ channels, /** @type {() => void} */ joined) => {
    await socket.join(channels);
    joined();
  });
  socket.on('publish', (/** @type {string} */ channel, /** @type {string} */ message) => {
    io.to(channel).emit('m', message);
  });
});
http.listen(0, '127.0.0.1', () => {
  const { port } = /** @type {import('node:net').AddressInfo} */ (http.address());
  console.log(JSON.stringify({ msg: 'listening', port }));
});
