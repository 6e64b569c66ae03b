import { defineConfig } from 'vitest/config';

/** Tests that drive real client programs installed in test/clients/ (`npm run test:clients`). */
export default defineConfig({
  test: {
    include: ['test/clients-suite/**/*.test.ts'],
    globalSetup: ['test/global-setup.ts'],
    testTimeout: 60_000,
    hookTimeout: 60_000,
    teardownTimeout: 5_000,
    pool: 'forks',
    // Much of a test is waiting for clients and fleets.
    maxWorkers: 2,
  },
});
