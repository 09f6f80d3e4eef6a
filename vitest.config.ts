import type { TestProjectInlineConfiguration } from 'vitest/config';
import { configDefaults, defineConfig } from 'vitest/config';
import { loadUws } from './src/transport/uws-library.ts';
import type { Runtime } from './test/support/runtimes.ts';

/** Suites that need both runtimes, or start no node: once is enough. */
const onBunOnly = [
  'test/bridge/redis-cluster.test.ts',
  'test/bridge/several-servers.test.ts',
  'test/cli/**',
  'test/client/history.test.ts',
  'test/client/package.test.ts',
  'test/client/scripted-node.test.ts',
  'test/docker/**',
  'test/packaging/**',
  'test/faults/!(faults).test.ts',
  'test/haproxy/!(websocket).test.ts',
  'test/history/**',
  'test/browser/dashboard.test.ts',
  'test/bench/!(scenarios).test.ts',
  'test/browser/race*.test.ts',
  'test/browser/report-page.test.ts',
];
const onNodeOnly = ['test/cluster/mixed-*.test.ts'];

const why = whyNotOnNode();
if (why !== null) console.warn(`The tests of the Node runtime do not run: ${why}.\n`);

export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: 'unit',
          // Half of the time went into loading the same modules for each file. So no file may replace a module (`vi.mock`) or
          // leave a global changed: hand in what a test wants to decide.
          isolate: false,
          // Milliseconds each, except those that try thousands of cases: these take seconds on a busy machine.
          testTimeout: 30_000,
          include: ['src/**/*.test.ts', 'scripts/**/*.test.ts', 'bin/**/*.test.ts', 'bench/**/*.test.ts'],
        },
      },
      system('bun', onNodeOnly),
      ...(why === null ? [system('node', onBunOnly)] : []),
    ],
  },
});

/** Every file here starts its own nodes on free ports and mostly waits for them: three at a time keep two cores busy. */
function system(runtime: Runtime, exclude: string[]): TestProjectInlineConfiguration {
  return {
    test: {
      name: `system (${runtime})`,
      include: ['test/**/*.test.ts'],
      exclude: [...configDefaults.exclude, ...exclude],
      env: { OUTCRY_RUNTIME: runtime },
      // Seconds each on a calm machine; a busy one gets more time to let things come true.
      testTimeout: 60_000,
      hookTimeout: 60_000,
      maxWorkers: 3,
      // As above.
      isolate: false,
      // Requests that a runtime never answers all wait at the same time.
      maxConcurrency: 20,
      // After the unit tests: a project with a limit of its own needs a group of its own.
      sequence: { groupOrder: 1 },
    },
  };
}

/** Null if the addon loads on this Node, otherwise the reason. */
function whyNotOnNode(): string | null {
  try {
    loadUws();
    return null;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}
