/**
 * A server that hands every message of its publisher to all its subscribers, except for the one fault that a test plants.
 *
 * Publishers connect to `/publish`, subscribers to `/subscribe`.
 */
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { type WebSocket, WebSocketServer } from 'ws';

/** What happens to the message with that number, counted from 0, on its way to one of the subscribers. */
export interface Fault {
  kind: 'drop' | 'duplicate' | 'swap' | 'delay' | 'damage' | 'cut off';
  message: number;
}

export interface FaultyServer {
  port: number;
  /** Resolves when that many messages have come from the publisher. */
  untilPublished(messages: number): Promise<void>;
  stop(): Promise<void>;
}

export const delayMs = 250;

/** @param perFrame messages that are put together into one before they go out */
export async function startFaultyServer(fault: Fault | null, perFrame = 1): Promise<FaultyServer> {
  const server = new WebSocketServer({ host: '127.0.0.1', port: 0 });
  await once(server, 'listening');
  const subscribers: WebSocket[] = [];
  const waiting: { messages: number; resolve(): void }[] = [];
  let published = 0;
  let gathered: Buffer[] = [];
  let swapped: Buffer | null = null;

  const toVictim = (victim: WebSocket, number: number, message: Buffer): void => {
    if (fault?.kind === 'swap' && number === fault.message) swapped = message;
    else if (fault === null || number !== fault.message) victim.send(message);
    else strike(fault, victim, message);
    if (swapped !== null && swapped !== message) {
      victim.send(swapped);
      swapped = null;
    }
  };
  const publish = (message: Buffer): void => {
    gathered.push(message);
    if (gathered.length === perFrame) {
      const together = Buffer.concat(gathered);
      gathered = [];
      const [victim, ...others] = subscribers;
      for (const subscriber of others) subscriber.send(together);
      if (victim) toVictim(victim, published, together);
    }
    published += 1;
    for (const { messages, resolve } of waiting) if (published >= messages) resolve();
  };
  server.on('connection', (socket, request) => {
    if (request.url === '/subscribe') subscribers.push(socket);
    else socket.on('message', (data: Buffer) => publish(data));
  });

  return {
    port: (server.address() as AddressInfo).port,
    untilPublished: (messages) => new Promise((resolve) => waiting.push({ messages, resolve })),
    async stop() {
      for (const client of server.clients) client.terminate();
      server.close();
      await once(server, 'close');
    },
  };
}

function strike({ kind }: Fault, victim: WebSocket, message: Buffer): void {
  switch (kind) {
    case 'duplicate':
      victim.send(message);
      victim.send(message);
      break;
    case 'delay':
      setTimeout(() => victim.send(message), delayMs);
      break;
    case 'damage': {
      const damaged = Buffer.from(message);
      damaged[damaged.length - 1] = (damaged.at(-1) as number) ^ 1;
      victim.send(damaged);
      break;
    }
    case 'cut off':
      victim.terminate();
      break;
  }
}
