/**
 * The relay of this host as the broker. It watches Redis itself, so that where it leads is where the cluster is.
 */
import type { Broker, BrokerEvents, ServerIdentity } from './broker.ts';
import { RelayConnection, type RelayConnectionOptions } from './relay-connection.ts';

export function relayBroker(
  options: Pick<RelayConnectionOptions, 'path' | 'bootId' | 'commandTimeoutMs' | 'clock'>,
): Broker {
  const dial = (events: BrokerEvents) => new RelayConnection({ ...options, ...events, role: 'bridge' });
  return {
    name: 'the relay of this host',
    mayMove: false,
    dial: (_name, events) => dial(events),
    look: async () =>
      await new Promise<ServerIdentity>((resolve, reject) => {
        const settle = (give: () => void) => {
          timer.cancel();
          connection.end();
          give();
        };
        const fail = (message: string) => settle(() => reject(new Error(message)));
        const connection = dial({
          onReady: (identity) => settle(() => resolve(identity)),
          onError: fail,
          onLost() {},
          onMessage() {},
        });
        const timer = options.clock.after(options.commandTimeoutMs, () => fail('the relay has no Redis now'));
      }),
  };
}
