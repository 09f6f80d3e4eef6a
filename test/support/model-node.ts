/**
 * A node of `HistoryModel` over real WebSockets, in JSON.
 */
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { WebSocketServer } from 'ws';
import { HistoryModel, type HistoryModelOptions } from './history-model.ts';

export class ModelNode {
  readonly model: HistoryModel;
  readonly url: string;
  readonly #server: WebSocketServer;

  private constructor(server: WebSocketServer, options: HistoryModelOptions) {
    this.#server = server;
    this.url = `ws://127.0.0.1:${(server.address() as AddressInfo).port}`;
    this.model = new HistoryModel(options);
    server.on('connection', (socket) => {
      const session = this.model.connect((message) => socket.send(JSON.stringify(message)));
      socket.on('message', (data) => session.hear(JSON.parse(String(data))));
      socket.on('close', () => session.end());
    });
  }

  static async start(options: HistoryModelOptions): Promise<ModelNode> {
    const handleProtocols = ([first]: Set<string>) => first ?? false;
    const server = new WebSocketServer({ port: 0, host: '127.0.0.1', handleProtocols });
    await once(server, 'listening');
    return new ModelNode(server, options);
  }

  /** Ends all connections, without a word. */
  cut(): void {
    for (const session of this.model.sessions) session.end();
    for (const socket of this.#server.clients) socket.terminate();
  }

  async stop(): Promise<void> {
    this.cut();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}
