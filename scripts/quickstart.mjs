/**
 * `npm run quickstart`: installs and builds what is missing, then shows a fleet at work on this
 * repository. Arguments go to `codex-fleet quickstart`.
 */
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { bootstrap } from './bootstrap.mjs';
import { root, run } from './lib/process.mjs';

await bootstrap();
console.error('Building …');
const { code, output } = await run(process.execPath, [join(root, 'scripts', 'build.mjs')]);
if (code !== 0) {
  console.error(output);
  process.exit(1);
}
const program = join(root, 'dist', 'cli', 'main.js');
const child = spawn(process.execPath, [program, 'quickstart', ...process.argv.slice(2)], {
  stdio: 'inherit',
});
// The terminal's Ctrl-C reaches the child too; this process ends when the child has cleaned up.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
child.once('close', (exitCode) => process.exit(exitCode ?? 1));
