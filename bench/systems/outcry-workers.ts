/**
 * One Outcry in as many processes as its connections need, on one port: `outcry serve --workers N`.
 */
import { outcry } from './outcry.ts';
import { withChildren } from './process-usage.ts';
import type { Codec, RunningSystem, Runtime, System } from './system.ts';

/** @param flags beyond those of every node here */
export function outcryWorkers(
  workers: number,
  { runtime, codec, flags }: { runtime: Runtime; codec: Codec; flags: readonly string[] },
): System {
  const name = `outcry-${runtime}-${codec}`;
  const several = workers > 1 ? ['--workers', String(workers)] : [];
  const inner = outcry(name, name, { runtime, codec, flags: [...several, ...flags] });
  return {
    ...inner,
    async start(options): Promise<RunningSystem> {
      const started = await inner.start(options);
      const [pid] = started.pids as [number];
      return {
        ...started,
        // One that died was started again, as another process.
        get pids() {
          return withChildren(pid);
        },
      };
    },
  };
}
