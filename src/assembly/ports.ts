/**
 * The two ports of a node. What is published goes through them, so they can be named before they are open.
 */
import { topicOf } from '../channel/room.ts';
import type { Payload } from '../channel/publication.ts';
import { statusChannel } from '../status-feed.ts';
import { selectTransport } from '../transport/select-transport.ts';
import type { Listener, RequestHandler, SendResult } from '../transport/transport.ts';
import type { Ground } from './ground.ts';

export interface OpenPorts {
  readonly public: Listener;
  readonly admin: Listener;
}

export interface Ports {
  /** Nobody hears it before they are open. */
  publish(this: void, topic: string, payload: Payload, compress: boolean): SendResult;
  /** @throws UserError when one cannot be bound; both are closed then */
  open(handlers: { public: RequestHandler; admin: RequestHandler }): Promise<OpenPorts>;
}

export function portsOf({ settings, policy, codecs, relayPath, handlerFailed }: Ground): Ports {
  let publicListener: Listener | null = null;
  let adminListener: Listener | null = null;
  const statusTopics = new Set(codecs.map((codec) => topicOf(statusChannel, codec)));
  const limits = {
    maxPayloadBytes: settings.maxPayloadBytes,
    // What was missed is sent at once, and may wait beside what is live: `SlowConsumers` tells the two apart.
    backpressureLimitBytes:
      settings.backpressureLimitBytes + (policy.keepsAny ? settings.recoveryMaxBytes : 0),
    onError: handlerFailed,
  };
  return {
    publish: (topic, payload, compress) =>
      (statusTopics.has(topic) ? adminListener : publicListener)?.publish(topic, payload, compress) ??
      'dropped',
    async open(handlers) {
      const listen = await selectTransport();
      adminListener = await listen({
        ...limits,
        compress: false,
        shared: false,
        // The API reads streams of any length, and bounds every other body itself.
        maxBodyBytes: Number.MAX_SAFE_INTEGER,
        host: settings.adminHost,
        port: settings.adminPort,
        handle: handlers.admin,
      });
      try {
        publicListener = await listen({
          ...limits,
          compress: policy.compressesAny,
          shared: relayPath !== null,
          maxBodyBytes: settings.maxPayloadBytes,
          host: settings.host,
          port: settings.port,
          handle: handlers.public,
        });
      } catch (error) {
        adminListener.stop();
        throw error;
      }
      return { public: publicListener, admin: adminListener };
    },
  };
}
