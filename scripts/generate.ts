import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { parseArgs } from 'node:util';
import { generatedFiles } from './lib/generated-files.ts';
import { listLiveTools } from './lib/live-tools.ts';

/**
 * Writes the typed client and the reference docs from what running servers list. With --check it
 * writes nothing and fails naming the files that differ; --root looks at another copy of them.
 */
const { values } = parseArgs({
  options: {
    check: { type: 'boolean', default: false },
    root: { type: 'string', default: dirname(import.meta.dirname) },
  },
});

const files = await generatedFiles(dirname(import.meta.dirname), await listLiveTools());
const stale: string[] = [];
for (const [path, text] of files) {
  const file = join(values.root, path);
  if ((await readFile(file, 'utf8').catch(() => undefined)) === text) continue;
  stale.push(path);
  if (values.check) continue;
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, text);
}

if (values.check && stale.length > 0) {
  console.error(
    `Not what the contracts say: ${stale.join(', ')}. Run \`npm run gen\` and commit the result.`,
  );
  process.exitCode = 1;
} else {
  console.log(stale.length === 0 ? 'Generated files are up to date.' : `Wrote ${stale.join(', ')}.`);
}
