import { dirname } from 'node:path';
import { parseArgs } from 'node:util';
import { generatedFiles } from './lib/generated-files.ts';
import { listLiveTools } from './lib/live-tools.ts';
import { syncFiles } from './lib/sync-files.ts';

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
const stale = await syncFiles(values.root, files, { write: !values.check });

if (values.check && stale.length > 0) {
  console.error(
    `Not what the contracts say: ${stale.join(', ')}. Run \`npm run gen\` and commit the result.`,
  );
  process.exitCode = 1;
} else {
  console.log(stale.length === 0 ? 'Generated files are up to date.' : `Wrote ${stale.join(', ')}.`);
}
