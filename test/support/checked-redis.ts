/**
 * What `outcry check` says of Redis: its lines about servers, the names and versions of which are left out.
 */
import { TestCommand } from './command.ts';

/** @throws if the command fails */
export async function checkedRedis(url: string, ...flags: string[]): Promise<string[]> {
  const command = new TestCommand(['check', '--redis', url, ...flags]);
  const code = await command.exited;
  if (code !== 0) throw new Error(`outcry check ended with ${code}:\n${command.notes.join('\n')}`);
  return command.printed
    .filter((line) => /^(warning: )?(redis |the Redis Cluster)/.test(line))
    .map((line) => line.replace(/127\.0\.0\.1:\d+/g, 'SERVER').replace(/version [\d.]+/, 'version V'));
}
