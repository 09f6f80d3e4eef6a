/**
 * The relay of this host as the broker. It watches Redis itself, so that where it leads is where the cluster is.
 */
import type { Broker, BrokerEvents, ServerIdentity } from './broker.ts';
import type { RedisServerAddress } from './redis-place.ts';
import { RelayConnection, type RelayConnectionOptions } from './relay-connection.ts';

type Dial = Pick<RelayConnectionOptions, 'path' | 'bootId' | 'place' | 'commandTimeoutMs' | 'clock'>;

/** One place behind the relay. */
export function relayAt(options: Dial): RedisServerAddress {
  const broker = relayBroker(options);
  return {
    ...{ name: broker.name, broker },
    dialHistory: (_name, events) => new RelayConnection({ ...options, ...events, role: 'history' }),
  };
}

function relayBroker(options: Dial): Broker {
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
