/**
 * `npm run test:clients`: installs the real client programs of test/clients/ and drives them.
 * Ends with `N passed, N failed`.
 */
import { join } from 'node:path';
import { bootstrap } from './bootstrap.mjs';
import { root } from './lib/process.mjs';
import { Report } from './lib/report.mjs';
import { runSuite } from './lib/suite.mjs';

await bootstrap();
await bootstrap(join(root, 'test', 'clients'));
const report = new Report();
const started = Date.now();
const { code, ...counts } = await runSuite(['--config', 'vitest.clients.config.ts']);
report.addTests(counts);
report.add({
  name: `client tests: ${counts.passed} passed, ${counts.failed} failed`,
  ok: code === 0,
  ms: Date.now() - started,
  fix: 'npx vitest run --config vitest.clients.config.ts test/clients-suite/<file> runs one',
});
report.close();
