import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: 'unit',
          include: ['src/**/*.test.ts', 'scripts/**/*.test.ts', 'bin/**/*.test.ts', 'bench/**/*.test.ts'],
        },
      },
      {
        // Every file here starts its own nodes on free ports; two at a time is what two cores carry calmly.
        test: {
          name: 'system',
          include: ['test/**/*.test.ts'],
          testTimeout: 30_000,
          hookTimeout: 30_000,
          maxWorkers: 2,
          // After the unit tests: a project with a limit of its own needs a group of its own.
          sequence: { groupOrder: 1 },
        },
      },
    ],
  },
});
