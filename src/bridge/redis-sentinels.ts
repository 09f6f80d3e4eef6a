/**
 * Hears the sentinels say that another server is the master now. A master that was replaced by order goes on answering, and cuts
 * nobody off for some seconds: whoever is connected to it would not notice.
 *
 * What is heard is a reason to look, no more: a sentinel may be behind, or be wrong. Nothing depends on hearing it, so nobody is told
 * when a sentinel cannot be reached; those who look find that out.
 */
import { Redis } from 'ioredis';
import type { RedisAddress } from '../config/redis-url.ts';
import { retryPause } from './retry-pause.ts';

const channel = '+switch-master';

export interface SentinelWatchOptions {
  address: RedisAddress;
  /** PEM of the authority that signed the sentinels' certificates; null for the system's. */
  ca: string | null;
  /** Shown in `CLIENT LIST`. */
  name: string;
  /** Called once for each sentinel that says so. */
  onSwitch(): void;
}

/** Returns what ends the watching. */
export function watchSentinels({ address, ca, name, onSwitch }: SentinelWatchOptions): () => void {
  const { hosts, sentinelMaster, username, password, tls } = address;
  const sentinels = hosts.map((host) => {
    const sentinel = new Redis({
      ...host,
      ...(username === null ? {} : { username }),
      ...(password === null ? {} : { password }),
      ...(tls ? { tls: ca === null ? {} : { ca } } : {}),
      connectionName: name,
      retryStrategy: retryPause,
      enableOfflineQueue: false,
      autoResubscribe: false,
    });
    sentinel.on('error', () => {}); // It dials again.
    sentinel.on('ready', () => void sentinel.subscribe(channel).catch(() => {}));
    // `<master> <old ip> <old port> <new ip> <new port>`; a sentinel may watch other masters, too.
    sentinel.on('message', (_channel, text) => {
      if (text.split(' ')[0] === sentinelMaster) onSwitch();
    });
    return sentinel;
  });
  return () => {
    for (const sentinel of sentinels) sentinel.disconnect();
  };
}
