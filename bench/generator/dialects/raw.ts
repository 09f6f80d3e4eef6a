/**
 * No protocol: a message is a record, or several side by side. `raw` hears one room, which the path names; `listed` hears
 * the channels that it lists in the address, and a record says itself where it belongs.
 */
import type { Dialect } from '../dialect.ts';
import { binaryRecords } from '../record.ts';
import { clientFrame } from '../websocket.ts';

export function raw(recordBytes: number): Dialect {
  return {
    form: binaryRecords,
    publication: (record) => clientFrame(2, record),
    converse(speaker, _channels, sink) {
      speaker.joined();
      return (bytes, offset, size) => {
        if (size % recordBytes === 0) sink.records(bytes, offset, size / recordBytes, recordBytes);
        else sink.mangled();
      };
    },
  };
}

export function listed(recordBytes: number): Dialect {
  return {
    ...raw(recordBytes),
    path: (base, channels) => `${base}?channels=${channels.join(',')}`,
  };
}
