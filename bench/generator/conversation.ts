/**
 * A connection to a system, in its own dialect, that has joined its channels.
 */
import type { Dialect, Memory, RecordSink } from './dialect.ts';
import type { Target } from './messages.ts';
import { BenchWebSocket } from './websocket.ts';

export interface SpeakOptions {
  target: Target;
  dialect: Dialect;
  /** To hear these; none to publish. */
  channels: readonly number[];
  localAddress?: string | undefined;
  sink: RecordSink;
  /** Of who was here before. */
  memory?: Memory | undefined;
  /** Called with the bytes of each piece that arrives, as they came. */
  arrived?: ((bytes: number) => void) | undefined;
  /** Called when the connection is closed, whoever closed it. */
  closed?: (() => void) | undefined;
}

/** Resolves when everything is joined. */
export async function speak(options: SpeakOptions): Promise<BenchWebSocket> {
  const { target, dialect, channels, localAddress, sink, memory, closed, arrived } = options;
  const { host, port, path, tls } = target;
  const joined = Promise.withResolvers<void>();
  // Who waits for the handshake first hears of its failure from there.
  joined.promise.catch(() => {});
  const socket = await BenchWebSocket.open({
    ...{ host, port, tls, localAddress, subprotocol: dialect.subprotocol, deflate: dialect.deflate },
    path: dialect.path?.(path, channels) ?? path,
    opened: (connection) => ({
      message: dialect.converse(
        { send: (frames) => void connection.write(frames), joined: joined.resolve },
        channels,
        sink,
        memory,
      ),
      control() {},
    }),
    arrived,
    closed() {
      joined.reject(new Error('the connection was closed before its channels were joined'));
      closed?.();
    },
  });
  await joined.promise;
  return socket;
}
