/**
 * Socket.IO 4 with connection state recovery: the server hands out a private id with the answer to `connect` and an offset
 * with each event; whoever connects with both again gets the packets behind it, and is in his rooms. If he gets another id,
 * nothing was recovered.
 */
import { nameOf } from '../dialect.ts';
import { textRecords } from '../record.ts';
import { clientFrame } from '../websocket.ts';
import type { Resumption } from './resumption.ts';

const connected = '40{';
const acknowledged = '430';
const event = Buffer.from('42["m","');
const ping = 0x32;
const pong = text('3');
/** Between a record and the offset that follows it, and behind that. */
const afterRecord = '","';
const end = '"]';

export function socketIoResumption(recordBytes: number): Resumption {
  return {
    form: textRecords,
    path: '/socket.io/?EIO=4&transport=websocket',
    visit(visitor, channel, place) {
      let pid = '';
      return {
        hello: text(place === null ? '40' : `40${JSON.stringify(place)}`),
        // Its rooms are part of its state; the first time they are asked for when it is connected.
        join: Buffer.alloc(0),
        listen(bytes, offset, size) {
          const startsWith = (prefix: string) =>
            bytes.toString('latin1', offset, offset + prefix.length) === prefix;
          if (
            size > event.length &&
            bytes.compare(event, 0, event.length, offset, offset + event.length) === 0
          )
            readEvent(bytes, offset + event.length, offset + size);
          else if (size === 1 && bytes[offset] === ping) visitor.send(pong);
          else if (startsWith(connected)) greeted(bytes.toString('latin1', offset + 2, offset + size));
          else if (startsWith(acknowledged)) visitor.joined(true);
          else if (startsWith('4')) visitor.mangled();
        },
      };

      function greeted(json: string): void {
        pid = JSON.parse(json).pid;
        visitor.opened();
        if (place === null) visitor.send(text(`420${JSON.stringify(['subscribe', [nameOf(channel)]])}`));
        else visitor.joined(pid === place.pid);
      }

      function readEvent(bytes: Buffer, record: number, last: number): void {
        const after = record + recordBytes;
        if (last <= after) visitor.mangled();
        else visitor.records(bytes, record, 1, recordBytes);
        if (place !== null) return;
        const offset = bytes.toString('latin1', after + afterRecord.length, last - end.length);
        visitor.stands({ pid, offset });
      }
    },
  };
}

function text(packet: string): Buffer {
  return clientFrame(1, Buffer.from(packet, 'latin1'));
}
