/**
 * A host whose handlers fail on demand, to see what the transport makes of it. Prints its port, then a line per error.
 */
import type { Socket, SocketSession } from '../../src/transport/transport.ts';

const { selectTransport } = await import('../../src/transport/select-transport.ts');

class FailingSession implements SocketSession {
  readonly #where: string;

  constructor(where: string) {
    this.#where = where;
  }

  opened(socket: Socket): void {
    socket.subscribe('all');
    this.#fail('opened');
  }

  received(): void {
    this.#fail('received');
    listener.publish('all', 'heard');
  }

  controlFrame(): void {
    this.#fail('controlFrame');
  }

  closed(): void {
    this.#fail('closed');
  }

  #fail(where: string): void {
    if (where === this.#where) throw new Error(`planted in ${where}`);
  }
}

const listen = await selectTransport();
const listener = await listen({
  host: '127.0.0.1',
  port: 0,
  maxPayloadBytes: 1_000,
  maxBodyBytes: 1_000,
  backpressureLimitBytes: 65_536,
  handle(request) {
    const where = request.path.slice(1);
    if (where === 'request') throw new Error('planted in request');
    if (where === 'promise') return Promise.reject(new Error('planted in promise'));
    return { session: new FailingSession(where) };
  },
  onError: (where, error) => console.log(`${where}: ${(error as Error).message}`),
});
console.log(listener.port);
