/**
 * A real host with several workers, started as an operator starts it, and its processes.
 */
import { startNode, type TestNode } from './node.ts';
import { until } from './until.ts';

/** One process of the host. */
export interface TestProcess {
  readonly pid: number;
  /** Of its own admin listener; 0 for the relay. */
  readonly adminPort: number;
}

export interface TestHost extends TestNode {
  /** The process that plays this part now: `0`, `1` … or `relay`. */
  process(part: string): TestProcess;
  /** Resolves when a process other than that one plays the part. */
  untilAnother(part: string, than: TestProcess): Promise<TestProcess>;
}

/** @param flags of `outcry serve` beside `--workers` */
export async function startHost(
  workers: number,
  flags: readonly string[] = [],
  env: NodeJS.ProcessEnv = {},
): Promise<TestHost> {
  const node = await startNode(['--workers', String(workers), ...flags], env);
  const process = (part: string): TestProcess => {
    const found = node.logs.map(started).findLast((line) => line?.worker === part);
    if (!found) throw new Error(`no process of the host is ${part}:\n${node.logs.join('\n')}`);
    return { pid: found.workerPid, adminPort: found.workerAdminPort ?? 0 };
  };
  return {
    ...node,
    process,
    async untilAnother(part, than) {
      return await until(
        () => process(part),
        ({ pid }) => pid !== than.pid,
        { what: `another ${part}` },
      );
    },
  };
}

interface Started {
  worker: string;
  workerPid: number;
  workerAdminPort?: number;
}

/** What a line of the log says, if it says that a process of the host can work. */
function started(line: string): Started | null {
  try {
    const fields = JSON.parse(line);
    return fields.msg === 'a process of this host can work' ? fields : null;
  } catch {
    return null;
  }
}
