/**
 * The few calls of the C library that hold tens of thousands of sockets in one process without an object for any of them:
 * TCP over IPv4 that never waits, and epoll. Linux only. A call costs what the kernel takes for it and some 10 ns.
 *
 * Addresses of buffers are taken once, so that no call has to look for one.
 */
import { dlopen, ptr, read } from 'bun:ffi';
import { arch } from 'node:os';
import { inet, socketAddress } from './address.ts';

const int = 'i32' as const;
const pointer = 'ptr' as const;
const size = 'u64' as const;

const libc = dlopen('libc.so.6', {
  socket: { args: [int, int, int], returns: int },
  setsockopt: { args: [int, int, int, pointer, int], returns: int },
  bind: { args: [int, pointer, int], returns: int },
  connect: { args: [int, pointer, int], returns: int },
  send: { args: [int, pointer, size, int], returns: int },
  recv: { args: [int, pointer, size, int], returns: int },
  read: { args: [int, pointer, size], returns: int },
  close: { args: [int], returns: int },
  epoll_create1: { args: [int], returns: int },
  epoll_ctl: { args: [int, int, int, pointer], returns: int },
  epoll_wait: { args: [int, pointer, int, int], returns: int },
  __errno_location: { args: [], returns: pointer },
}).symbols;

// From the headers of Linux; the same on all its machines, but for the padding of epoll_event.
const streamNonBlockingCloseOnExec = 1 | 0o4000 | 0o2000000;
const socketLevel = 1;
const lingerOption = 13;
const ipLevel = 0;
const bindAddressNoPort = 24;
const noSignal = 0x4000;
const controlAdd = 1;
const controlModify = 3;
const readable = 0x001;
const writable = 0x004;
const errorOrHangUp = 0x018;
const eventBytes = arch() === 'x64' ? 12 : 16;
const dataOffset = eventBytes - 8;
const eventsAtOnce = 512;

const tryAgain = 11;
const interrupted = 4;
const inProgress = 115;
const names: Readonly<Record<number, string>> = {
  24: 'no descriptor was left (EMFILE)',
  99: 'no source port was left (EADDRNOTAVAIL)',
  104: 'reset (ECONNRESET)',
  105: 'the kernel has no memory for it (ENOBUFS)',
  110: 'timed out (ETIMEDOUT)',
  111: 'refused (ECONNREFUSED)',
};

/** What a call came to that could not be done at once: it may be tried again, or there is an error by this number. */
export const wait = -1;

function errno(): number {
  return read.i32(libc.__errno_location() as never);
}

/** For people. */
export function errorName(number: number): string {
  return names[number] ?? `error ${number} of the kernel`;
}

export class KernelError extends Error {
  constructor(what: string, number = errno()) {
    super(`${what}: ${errorName(number)}`);
  }
}

/** On, and 0 s: closing resets, so that a million connections do not linger in TIME_WAIT and keep their ports. */
const resetOnClose = new Uint8Array(new Int32Array([1, 0]).buffer);
const resetOnCloseAt = ptr(resetOnClose);
const yes = new Uint8Array(new Int32Array([1]).buffer);
const yesAt = ptr(yes);
const local = socketAddress(0, 0);
const localView = new DataView(local.buffer);
const localAt = ptr(local);

/**
 * Begins a connection from that source address, at a port of the kernel's choice. Returns its descriptor; that it could not
 * be made shows at the first send.
 *
 * @param remoteAt address of a `socketAddress`
 * @throws KernelError if there is no descriptor or no port
 */
export function beginConnection(localAddress: number, remoteAt: number): number {
  const fd = libc.socket(inet, streamNonBlockingCloseOnExec, 0);
  if (fd < 0) throw new KernelError('a socket');
  libc.setsockopt(fd, socketLevel, lingerOption, resetOnCloseAt, 8);
  // The port is chosen when the destination is known: it must be free only towards that one.
  libc.setsockopt(fd, ipLevel, bindAddressNoPort, yesAt, 4);
  localView.setUint32(4, localAddress);
  const bound = libc.bind(fd, localAt, 16) === 0;
  if (bound && (libc.connect(fd, remoteAt as never, 16) === 0 || errno() === inProgress)) return fd;
  const error = new KernelError('connecting');
  libc.close(fd);
  throw error;
}

/** Returns the bytes taken, `wait`, or an error number below `wait` as its negative minus one. */
export function sendBytes(fd: number, at: number, bytes: number): number {
  return outcome(libc.send(fd, at as never, bytes, noSignal));
}

/** The same for what has come; 0 if the peer has ended it. */
export function receiveBytes(fd: number, at: number, bytes: number): number {
  return outcome(libc.recv(fd, at as never, bytes, 0));
}

/** The same for a descriptor that is no socket. */
export function readBytes(fd: number, at: number, bytes: number): number {
  return outcome(libc.read(fd, at as never, bytes));
}

function outcome(result: number): number {
  if (result >= 0) return result;
  const error = errno();
  return error === tryAgain || error === interrupted ? wait : -1 - error;
}

/** The error number of such a result; 0 if it is none. */
export function errorOf(result: number): number {
  return result < wait ? -1 - result : 0;
}

export function closeDescriptor(fd: number): void {
  libc.close(fd);
}

/** Address of a buffer that is kept for as long as it is used. */
export function addressOf(bytes: Uint8Array): number {
  return ptr(bytes);
}

/** One epoll: which descriptors have something to read, or can be written to. */
export class Poll {
  readonly #fd: number;
  readonly #events = new Uint8Array(eventBytes * eventsAtOnce);
  readonly #view = new DataView(this.#events.buffer);
  readonly #eventsAt = ptr(this.#events);
  readonly #change = new Uint8Array(eventBytes);
  readonly #changeView = new DataView(this.#change.buffer);
  readonly #changeAt = ptr(this.#change);

  constructor() {
    this.#fd = libc.epoll_create1(0o2000000);
    if (this.#fd < 0) throw new KernelError('epoll');
  }

  watchReadable(fd: number): void {
    this.#control(controlAdd, fd, readable);
  }

  watchWritable(fd: number): void {
    this.#control(controlAdd, fd, writable);
  }

  /** Instead of what it was watched for. */
  nowReadable(fd: number): void {
    this.#control(controlModify, fd, readable);
  }

  /**
   * Waits until something has happened, at most so long; −1 for ever. An error shows as readable: reading tells which.
   *
   * @param happened called for each descriptor
   */
  wait(timeoutMs: number, happened: (fd: number, isReadable: boolean) => void): void {
    const count = libc.epoll_wait(this.#fd, this.#eventsAt, eventsAtOnce, timeoutMs);
    for (let i = 0; i < count; i += 1) {
      const at = i * eventBytes;
      const events = this.#view.getUint32(at, true);
      happened(this.#view.getUint32(at + dataOffset, true), (events & (readable | errorOrHangUp)) !== 0);
    }
  }

  #control(operation: number, fd: number, events: number): void {
    this.#changeView.setUint32(0, events, true);
    this.#changeView.setUint32(dataOffset, fd, true);
    if (libc.epoll_ctl(this.#fd, operation, fd, this.#changeAt) !== 0) throw new KernelError('epoll');
  }
}
