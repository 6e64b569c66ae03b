import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { FleetError } from '../core/errors.ts';

export interface Install {
  node: string;
  /** The built program every process of ours is a sub-command of. */
  entry: string;
  /** The program of the built-in `diagnostics` pipeline. */
  diagnostics: string;
}

/** Finds the built files, from the build itself or from the sources beside it. */
export function findInstall(): Install {
  const here = dirname(fileURLToPath(import.meta.url));
  const beside = dirname(here);
  const root = existsSync(join(beside, 'cli', 'main.js')) ? beside : join(beside, 'dist');
  const entry = join(root, 'cli', 'main.js');
  if (!existsSync(entry)) {
    throw new FleetError('INTERNAL', 'codex-fleet is not built.', {
      next: 'Run `npm run build` in its folder.',
    });
  }
  return {
    node: process.execPath,
    entry,
    diagnostics: join(root, 'servers', 'worker', 'diagnostics', 'main.js'),
  };
}
