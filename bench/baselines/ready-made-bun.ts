/**
 * Hands out the same bytes to everybody who asks: all records side by side, made once. `ready-made-bun.ts RECORDS BYTES`.
 */
import { binaryRecords } from '../generator/record.ts';

const [records, recordBytes] = process.argv.slice(2).map(Number) as [number, number];
const all = Buffer.concat(
  Array.from({ length: records }, (_, sequence) => {
    const record = Buffer.alloc(recordBytes);
    binaryRecords.write(record, { sequence, intendedAt: 0, channel: 0, run: 0 });
    return record;
  }),
);

const server = Bun.serve({
  hostname: '127.0.0.1',
  port: 0,
  fetch: (request, server) => (server.upgrade(request) ? undefined : new Response()),
  websocket: {
    message(ws, message) {
      ws.send(String(message) === 'all' ? all : 'hello');
    },
  },
});
console.log(JSON.stringify({ msg: 'listening', port: server.port }));
