/**
 * How bytes get onto a connection and off it: as they are, or through TLS.
 */
import { receiveBytes, sendBytes } from './kernel.ts';

/** Results are those of `kernel.ts`: bytes, 0 for the end, `wait`, or an error. */
export interface Wire {
  /** Goes on with whatever comes before the first byte. Returns 1 when that is done. */
  begin(fd: number): number;
  send(fd: number, at: number, bytes: number): number;
  /** Takes what has come; to be called again until it says `wait` if `buffers`. */
  receive(fd: number, at: number, bytes: number): number;
  /** It may hold bytes that the kernel no longer has, of which no event will tell. */
  readonly buffers: boolean;
  /** The descriptor is about to be closed. */
  forget(fd: number): void;
}

export const plainWire: Wire = {
  buffers: false,
  begin: () => 1,
  send: sendBytes,
  receive: receiveBytes,
  forget() {},
};
