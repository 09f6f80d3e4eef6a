/**
 * Stands between clients and a node, speaks JSON with both, and falsifies what the node says in ways that nobody else can
 * notice: the numbers are put right again behind the damage. What it plants, the ledger must find.
 */
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { WebSocket, WebSocketServer } from 'ws';

/**
 * What is done, to every so-manieth publication: - `drop` it, - `duplicate` it, - `swap` it with the next one, - `damage`
 * it, - `invent` another one behind it. `mute`: every gap, and that the others are away, is kept from the client.
 */
export interface Tampering {
  readonly kind: 'drop' | 'duplicate' | 'swap' | 'damage' | 'invent' | 'mute';
  readonly every: number;
}

interface Message {
  type: string;
  channel?: string;
  sequence?: number;
  channels?: { channel: string; sequence: number }[];
  publications?: unknown[];
}

export class TamperingProxy {
  readonly url: string;
  /** How often it has done it. */
  done = 0;
  readonly #server: WebSocketServer;
  readonly #target: string;
  readonly #tampering: Tampering;
  #seen = 0;

  private constructor(server: WebSocketServer, target: string, tampering: Tampering) {
    this.#server = server;
    this.#target = target;
    this.#tampering = tampering;
    this.url = `ws://127.0.0.1:${(server.address() as AddressInfo).port}`;
    server.on('connection', (client) => this.#accept(client));
  }

  /** @param target `ws://` of a node */
  static async start(target: string, tampering: Tampering): Promise<TamperingProxy> {
    const server = new WebSocketServer({
      host: '127.0.0.1',
      port: 0,
      perMessageDeflate: false,
      handleProtocols: () => 'outcry.v1.json',
    });
    await once(server, 'listening');
    return new TamperingProxy(server, target, tampering);
  }

  async stop(): Promise<void> {
    for (const client of this.#server.clients) client.terminate();
    this.#server.close();
    await once(this.#server, 'close');
  }

  #accept(client: WebSocket): void {
    const node = new WebSocket(this.#target, 'outcry.v1.json', { perMessageDeflate: false });
    const early: Buffer[] = [];
    const altered = new Conversation(this.#tampering.kind, () => this.#isDue());
    client.on('message', (data: Buffer) => {
      if (node.readyState === WebSocket.OPEN) node.send(data.toString());
      else early.push(data);
    });
    node.on('open', () => {
      for (const data of early.splice(0)) node.send(data.toString());
    });
    node.on('message', (data: Buffer) => {
      const message = altered.message(JSON.parse(data.toString()) as Message);
      if (message !== null) client.send(JSON.stringify(message));
    });
    client.on('error', () => {});
    node.on('error', () => {});
    client.on('close', () => node.terminate());
    node.on('close', () => client.terminate());
  }

  /** Tells whether the next publication, or sign of a loss, is one to be tampered with. */
  #isDue(): boolean {
    this.#seen += 1;
    if (this.#seen % this.#tampering.every !== 0) return false;
    this.done += 1;
    return true;
  }
}

/** What one client is told instead of what the node said. */
class Conversation {
  readonly #kind: Tampering['kind'];
  readonly #due: () => boolean;
  /** By how much the numbers of each channel are off by now. */
  readonly #shifts = new Map<string, number>();
  /** By channel, a publication that waits for the next one to go before it. */
  readonly #held = new Map<string, unknown>();

  constructor(kind: Tampering['kind'], due: () => boolean) {
    this.#kind = kind;
    this.#due = due;
  }

  /** Null if it is kept from the client. */
  message(message: Message): Message | null {
    if (message.type === 'gap' || message.type === 'degraded')
      return this.#kind === 'mute' && this.#due() ? null : message;
    if (message.type !== 'batch' || message.channel === undefined) return message;
    const { channel } = message;
    const publications = message.publications?.flatMap((publication) =>
      this.#publications(channel, publication),
    );
    const before = message.publications?.length ?? 0;
    this.#shifts.set(channel, (this.#shifts.get(channel) ?? 0) + (publications?.length ?? 0) - before);
    const sequence = (message.sequence ?? 0) + (this.#shifts.get(channel) ?? 0);
    if (publications === undefined) return { ...message, sequence };
    return publications.length === 0 ? null : { ...message, sequence, publications };
  }

  #publications(channel: string, publication: unknown): unknown[] {
    const held = this.#held.get(channel);
    if (held !== undefined) {
      this.#held.delete(channel);
      return [publication, held];
    }
    if (this.#kind === 'mute' || !this.#due()) return [publication];
    switch (this.#kind) {
      case 'drop':
        return [];
      case 'duplicate':
        return [publication, publication];
      case 'swap':
        this.#held.set(channel, publication);
        return [];
      case 'damage':
        return [altered(publication, (data) => ({ ...data, filler: `${String(data.filler)}?` }))];
      case 'invent':
        return [publication, { json: { anything: 'else' } }];
    }
  }
}

function altered(
  publication: unknown,
  change: (data: Record<string, unknown>) => Record<string, unknown>,
): unknown {
  const { json } = publication as { json: Record<string, unknown> };
  return { json: change(json) };
}
