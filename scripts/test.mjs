/**
 * `npm test`: every gate, and then every test that needs no client program. Ends with
 * `N passed, N failed`: gates and tests together.
 */
import { bootstrap } from './bootstrap.mjs';
import { run } from './lib/process.mjs';
import { Report } from './lib/report.mjs';
import { runSuite } from './lib/suite.mjs';

const gates = [
  { name: 'format', script: 'format:check', fix: 'npm run format' },
  { name: 'generated files', script: 'gen:check', fix: 'npm run gen, and commit what it writes' },
  {
    name: 'dependency graph',
    command: ['node', 'scripts/graph.mjs', '--check'],
    fix: 'node scripts/graph.mjs, and commit ARCHITECTURE.md',
  },
  { name: 'lint', script: 'lint', fix: 'correct the lines named above; `npm run lint -- --fix` mends some' },
  { name: 'types', script: 'types', fix: 'correct the type errors above' },
  { name: 'layers', script: 'layers', fix: 'turn the import round: ARCHITECTURE.md shows which way they go' },
  { name: 'dead code', script: 'knip', fix: 'delete what nothing uses, or use it' },
];
const packageGates = [
  { name: 'build', script: 'build', fix: 'correct the errors above' },
  { name: 'package', script: 'pack:check', fix: 'correct package.json as named above' },
];

async function checkGate(report, { name, script, command = ['npm', 'run', '--silent', script], fix }) {
  const started = Date.now();
  const [program, ...args] = command;
  const { code, output } = await run(program, args);
  report.add({ name, ok: code === 0, ms: Date.now() - started, output, fix });
}

/** Two at a time, each reported as it ends. */
async function checkGates(report, list) {
  const waiting = list.values();
  const lane = async () => {
    for (const gate of waiting) await checkGate(report, gate);
  };
  await Promise.all([lane(), lane()]);
}

async function checkTests(report) {
  const started = Date.now();
  const { code, ...counts } = await runSuite(['--coverage']);
  report.addTests(counts);
  report.add({
    name: `tests with coverage: ${counts.passed} passed, ${counts.failed} failed`,
    ok: code === 0,
    ms: Date.now() - started,
    fix: 'npx vitest run test/<file> runs one; coverage thresholds stand in vitest.config.ts',
  });
}

await bootstrap();
const report = new Report();
await checkGates(report, gates);
await checkTests(report);
for (const gate of packageGates) await checkGate(report, gate);
report.close();
