/**
 * Chooses the transport of the runtime that this process runs on. The other one is never loaded.
 */
import type { Listen } from './transport.ts';

export async function selectTransport(): Promise<Listen> {
  if (process.versions.bun !== undefined) return (await import('./bun-transport.ts')).listenOnBun;
  return (await import('./uws-transport.ts')).listenOnUws;
}
