/**
 * The SDK before several nodes, as behind a balancer: each attempt to connect goes to the next one of them.
 */
import { WebSocket } from 'ws';
import { Client, type ClientOptions } from '../../src/client/client.ts';
import { calm } from './surroundings.ts';

/** The caller closes it. */
export function balancedClient(
  nodes: readonly { readonly url: string }[],
  options: ClientOptions = {},
): Client {
  let attempts = -1;
  const Balanced = class extends WebSocket {
    constructor(_url: string, protocols: string[]) {
      attempts += 1;
      super(nodes[attempts % nodes.length]?.url as string, protocols);
    }
  };
  return new Client('ws://balancer', options, { ...calm, WebSocket: Balanced });
}
