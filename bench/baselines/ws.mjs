/** The package `ws`: a loop over the clients of a channel. Without compression; the message is bytes already. */
import { WebSocketServer } from 'ws';
import { channelOf, channelsIn } from './channels.mjs';

/** @type {Map<string, Set<import('ws').WebSocket>>} */
const channels = new Map();

const server = new WebSocketServer({ host: '127.0.0.1', port: 0, perMessageDeflate: false, backlog: 511 });
server.on('connection', (client, request) => {
  const joined = channelsIn(request.url ?? '');
  for (const channel of joined) {
    const clients = channels.get(channel) ?? new Set();
    channels.set(channel, clients.add(client));
  }
  client.on('close', () => {
    for (const channel of joined) channels.get(channel)?.delete(client);
  });
  client.on('message', (/** @type {Buffer} */ message) => {
    for (const other of channels.get(channelOf(message)) ?? []) other.send(message, { binary: true });
  });
});
server.on('listening', () => {
  const { port } = /** @type {import('node:net').AddressInfo} */ (server.address());
  console.log(JSON.stringify({ msg: 'listening', port }));
});
