/**
 * What stands before any part of a node is put in place: who it is, what it was told, where it counts and complains. Whoever puts
 * parts together has all of it; each part is handed only what it needs.
 */
import { randomBytes } from 'node:crypto';
import { ChannelPolicy } from '../auth/channel-policy.ts';
import { resolveNamespaces } from '../config/namespaces.ts';
import type { Settings } from '../config/settings.ts';
import type { AssetFiles } from '../http/assets.ts';
import { Readiness } from '../lifecycle/readiness.ts';
import type { Logger } from '../logger.ts';
import { Metrics } from '../metrics/metrics.ts';
import type { Codec } from '../protocol/codec.ts';
import { jsonCodec } from '../protocol/json-codec.ts';
import { msgpackCodec } from '../protocol/msgpack-codec.ts';

export interface NodeOptions {
  settings: Settings;
  nodeId: string;
  logger: Logger;
  /** Of the program, for whoever asks. */
  version: string;
  files: AssetFiles;
  /** Where it is one of several workers of a host that share a port: the socket of their relay. */
  relayPath: string | null;
}

export interface Ground extends NodeOptions {
  /** Of this start of the node. */
  bootId: string;
  metrics: Metrics;
  readiness: Readiness;
  policy: ChannelPolicy;
  /** Of the native protocol. */
  codecs: readonly Codec[];
  /** Something of ours threw where nothing may. */
  handlerFailed(where: 'request' | 'session' | 'flush', error: unknown): void;
}

export function groundOf(options: NodeOptions): Ground {
  const metrics = new Metrics();
  const namespaces = resolveNamespaces(options.settings);
  for (const name of namespaces.keys()) metrics.publishToWrite.of(name);
  return {
    ...options,
    bootId: randomBytes(8).toString('hex'),
    metrics,
    readiness: new Readiness(),
    policy: new ChannelPolicy(namespaces),
    codecs: [jsonCodec, msgpackCodec],
    handlerFailed(where, error) {
      metrics.handlerErrors.values[where] += 1;
      options.logger.error({ err: error, where }, 'a handler failed; this is a bug');
    },
  };
}
