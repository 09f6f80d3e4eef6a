/**
 * What a failure to bind an address means, in a sentence, the same on both runtimes.
 */
import { exitCodes, UserError } from '../errors.ts';
import type { ListenOptions } from './transport.ts';

/** A UserError for what somebody can mend; anything else as it is. */
export function listenError(error: unknown, { host, port }: Pick<ListenOptions, 'host' | 'port'>): unknown {
  switch ((error as NodeJS.ErrnoException).code) {
    case 'EADDRINUSE':
      return new UserError(
        `port ${port} on ${host} is taken, perhaps by another node: stop it or choose another port`,
        exitCodes.cannotListen,
      );
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return new UserError(`this machine has no address ${host}`, exitCodes.cannotListen);
    case 'EACCES':
      return new UserError(`port ${port} needs more rights than this process has`, exitCodes.cannotListen);
    default:
      return error;
  }
}
