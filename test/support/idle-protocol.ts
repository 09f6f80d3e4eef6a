/**
 * A protocol that says and does nothing, for tests of what lies below it.
 */
import { Connection, type Protocol, type Registry } from '../../src/connection/connection.ts';
import { FakeSocket } from './fake-socket.ts';

const idleProtocol: Protocol<unknown> = {
  ping: (socket) => socket.ping(),
  opened() {},
  received() {},
  mute() {},
  closed() {},
};

/** An open connection and the socket below it. */
export function openConnection(registry: Registry): { connection: Connection; socket: FakeSocket } {
  const connection = new Connection<unknown>(idleProtocol, null, registry);
  return { connection, socket: new FakeSocket(connection) };
}
