/**
 * Socket.IO 4 over a WebSocket: packets of Engine.IO 4 with those of Socket.IO 5 inside, as text.
 *
 * A record is a string argument. As an attachment it would be binary, but then each event is two WebSocket messages, which
 * costs Socket.IO more.
 */
import { type Dialect, nameOf } from '../dialect.ts';
import { textRecords } from '../record.ts';
import { clientFrame } from '../websocket.ts';

/** `4` message, then `0` connect, `2` event, `3` acknowledgement. */
const connect = text('40');
const connected = '40';
const acknowledged = '430';
const event = Buffer.from('42["m","');
const ping = 0x32;
const pong = text('3');

export function socketIo(recordBytes: number): Dialect {
  return {
    form: textRecords,
    path: () => '/socket.io/?EIO=4&transport=websocket',
    publication: (record, channel) =>
      text(`42["publish","${nameOf(channel)}","${record.toString('latin1')}"]`),
    converse(speaker, channels, sink) {
      speaker.send(connect);
      return (bytes, offset, size) => {
        const startsWith = (prefix: string) =>
          bytes.toString('latin1', offset, offset + prefix.length) === prefix;
        if (size === event.length + recordBytes + 2)
          sink.records(bytes, offset + event.length, 1, recordBytes);
        else if (size === 1 && bytes[offset] === ping) speaker.send(pong);
        else if (startsWith(acknowledged)) speaker.joined();
        else if (startsWith(connected)) {
          if (channels.length === 0) speaker.joined();
          else speaker.send(text(`420${JSON.stringify(['subscribe', channels.map(nameOf)])}`));
        } else if (startsWith('42')) sink.mangled();
      };
    },
  };
}

function text(packet: string): Buffer {
  return clientFrame(1, Buffer.from(packet, 'latin1'));
}
