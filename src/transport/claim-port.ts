/**
 * Makes sure that a port that several processes will share is nobody else's: with SO_REUSEPORT two programs would share it without
 * noticing. Nothing holds it until the first of them listens, which is soon.
 */
import { type AddressInfo, createServer } from 'node:net';
import { listenError } from './listen-error.ts';

/**
 * @param port 0 finds a free one
 * @throws UserError (exit code 3) when it is taken or cannot be bound
 */
export async function claimPort(host: string, port: number): Promise<number> {
  return await new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', (error) => reject(listenError(error, { host, port })));
    server.listen({ host, port, exclusive: true }, () => {
      const found = (server.address() as AddressInfo).port;
      server.close(() => resolve(found));
    });
  });
}
