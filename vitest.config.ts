import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';

/** Everything that needs no client program. The real clients have vitest.clients.config.ts. */
export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    exclude: ['test/clients-suite/**', 'test/clients/**', '**/node_modules/**'],
    globalSetup: ['test/global-setup.ts'],
    // Only there to end what hangs: tests of many random cases take 10 s where the machine is busy.
    testTimeout: 60_000,
    hookTimeout: 60_000,
    teardownTimeout: 5_000,
    pool: 'forks',
    // Much of a test is waiting for processes: three files at once, even on two cores.
    maxWorkers: Math.max(3, availableParallelism() - 1),
    coverage: {
      provider: 'v8',
      include: ['schemas', 'core', 'platform', 'mcp', 'servers', 'coordinator', 'cli', 'stubs'].map(
        (folder) => `${folder}/**/*.ts`,
      ),
      reporter: ['text-summary', 'json-summary'],
      reportsDirectory: 'coverage',
      // Of what runs in the tests' own process: the built program that most tests start is not counted.
      thresholds: {
        lines: 78,
        functions: 75,
        statements: 76,
        branches: 72,
        'core/**/*.ts': { lines: 97, functions: 96, statements: 95, branches: 89 },
      },
    },
  },
});
