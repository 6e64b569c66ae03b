/** `npm run build`: compiles into dist/. `--finish` does only what the compiler does not. */
import { chmodSync, cpSync, existsSync, mkdirSync, readdirSync, rmSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { root, run } from './lib/process.mjs';

const dist = join(root, 'dist');
/** What the compiler does not emit. */
const others = [
  join('coordinator', 'store', 'migrations'),
  join('servers', 'worker', 'runner', 'spawner.pl'),
  join('servers', 'worker', 'runner', 'landlock.pl'),
  join('servers', 'worker', 'sandbox', 'network', 'relay.pl'),
];

/** Copies the SQL migrations and what is in Perl, and gives the right to execute the program. */
function finishBuild() {
  for (const path of others) {
    mkdirSync(join(dist, dirname(path)), { recursive: true });
    rmSync(join(dist, path), { recursive: true, force: true });
    cpSync(join(root, path), join(dist, path), { recursive: true });
  }
  const program = join(dist, 'cli', 'main.js');
  if (existsSync(program)) chmodSync(program, 0o755);
}

/** Compiles everything into dist/ and removes what an earlier build left of deleted files. */
async function build() {
  const tsc = join(root, 'node_modules', 'typescript', 'bin', 'tsc');
  const { code, output } = await run(process.execPath, [
    tsc,
    '-p',
    'tsconfig.build.json',
    '--listEmittedFiles',
  ]);
  if (code !== 0) return { ok: false, output };
  const emitted = new Set(
    output
      .split('\n')
      .filter((line) => line.startsWith('TSFILE: '))
      .map((line) => resolve(root, line.slice(8))),
  );
  removeLeftovers(emitted);
  finishBuild();
  return { ok: true, output: `${emitted.size} files in ${relative(root, dist)}/` };
}

function removeLeftovers(emitted) {
  for (const entry of readdirSync(dist, { recursive: true, withFileTypes: true })) {
    const file = join(entry.parentPath, entry.name);
    if (entry.isFile() && /\.(js|d\.ts)$/.test(file) && !emitted.has(file)) rmSync(file);
  }
}

if (process.argv[2] === '--finish') {
  finishBuild();
} else {
  const { ok, output } = await build();
  console.log(output.trim());
  if (!ok) {
    console.error('The build failed: correct the type errors above.');
    process.exitCode = 1;
  }
}
