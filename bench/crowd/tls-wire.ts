/**
 * TLS by the system's own OpenSSL (libssl.so.3), which lets a connection keep next to nothing while it is idle. It takes
 * whatever certificate there is.
 */
import { dlopen } from 'bun:ffi';
import { wait } from './kernel.ts';
import type { Wire } from './wire.ts';

const int = 'i32' as const;
const pointer = 'ptr' as const;

// From <openssl/ssl.h>.
const controlMode = 33;
const releaseBuffers = 0x10;
const wantRead = 2;
const wantWrite = 3;
const ended = 6;
/** ECONNABORTED: what went wrong within TLS has no number of the kernel. */
const aborted = 103;

/** @throws Error if there is no OpenSSL 3 on this machine */
export function tlsWire(mostDescriptors: number): Wire {
  const ssl = dlopen('libssl.so.3', {
    TLS_client_method: { args: [], returns: pointer },
    SSL_CTX_new: { args: [pointer], returns: pointer },
    SSL_CTX_ctrl: { args: [pointer, int, 'i64', pointer], returns: 'i64' },
    SSL_new: { args: [pointer], returns: pointer },
    SSL_free: { args: [pointer], returns: 'void' },
    SSL_set_fd: { args: [pointer, int], returns: int },
    SSL_set_connect_state: { args: [pointer], returns: 'void' },
    SSL_do_handshake: { args: [pointer], returns: int },
    SSL_read: { args: [pointer, pointer, int], returns: int },
    SSL_write: { args: [pointer, pointer, int], returns: int },
    SSL_get_error: { args: [pointer, int], returns: int },
  }).symbols;
  const { ERR_clear_error: clearErrors } = dlopen('libcrypto.so.3', {
    ERR_clear_error: { args: [], returns: 'void' },
  }).symbols;

  const context = ssl.SSL_CTX_new(ssl.TLS_client_method());
  if (context === null) throw new Error('OpenSSL gives no context');
  ssl.SSL_CTX_ctrl(context, controlMode, releaseBuffers, null);
  /** By descriptor; 0 where there is none. */
  const sessions = new Float64Array(mostDescriptors);

  const outcome = (session: number, result: number): number => {
    if (result > 0) return result;
    const error = ssl.SSL_get_error(session as never, result);
    if (error === wantRead || error === wantWrite) return wait;
    clearErrors();
    return error === ended ? 0 : -1 - aborted;
  };
  return {
    buffers: true,
    begin(fd) {
      let session = sessions[fd] as number;
      if (session === 0) {
        session = Number(ssl.SSL_new(context));
        ssl.SSL_set_fd(session as never, fd);
        ssl.SSL_set_connect_state(session as never);
        sessions[fd] = session;
      }
      return outcome(session, ssl.SSL_do_handshake(session as never));
    },
    send(fd, at, bytes) {
      const session = sessions[fd] as number;
      return outcome(session, ssl.SSL_write(session as never, at as never, bytes));
    },
    receive(fd, at, bytes) {
      const session = sessions[fd] as number;
      return outcome(session, ssl.SSL_read(session as never, at as never, bytes));
    },
    forget(fd) {
      const session = sessions[fd] as number;
      if (session !== 0) ssl.SSL_free(session as never);
      sessions[fd] = 0;
    },
  };
}
