/**
 * A Redis server of our own: loopback only, nothing on disk, gone with the process.
 */
import { once } from 'node:events';
import { connect } from 'node:net';
import { Child, type ChildOptions } from './child.ts';
import { executable } from './executable.ts';
import { untilReady } from './until.ts';

export interface RedisOptions {
  port: number;
  /** Working directory; nothing is written there. */
  folder: string;
  onLine?: ChildOptions['onLine'];
  /** Further arguments of redis-server. */
  args?: readonly string[];
}

/** @throws UserError when it is not installed */
export function spawnRedis({ port, folder, onLine, args = [] }: RedisOptions): Child {
  return new Child({
    name: 'redis',
    file: executable('redis-server'),
    args: [
      '--port',
      `${port}`,
      '--bind',
      '127.0.0.1',
      '--save',
      '',
      '--appendonly',
      'no',
      '--loglevel',
      'warning',
      ...args,
    ],
    cwd: folder,
    onLine,
  });
}

/** Resolves when it answers PING, if only by asking for a password. */
export function redisIsReady(redis: Child, port: number): Promise<void> {
  return untilReady(redis, async () => {
    const socket = connect(port, '127.0.0.1');
    try {
      socket.write('PING\r\n');
      const [answer] = await once(socket, 'data');
      return /^(\+PONG|-NOAUTH)/.test(`${answer}`);
    } finally {
      socket.destroy();
    }
  });
}
