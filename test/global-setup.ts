import { spawnSync } from 'node:child_process';
import { readdirSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';

const root = dirname(import.meta.dirname);

const sources = ['schemas', 'core', 'platform', 'mcp', 'servers', 'coordinator', 'cli', 'stubs'];

function newestMtimeMs(folder: string, extension: string): number {
  let newest = 0;
  for (const entry of readdirSync(join(root, folder), { recursive: true, withFileTypes: true })) {
    if (!entry.isFile() || !entry.name.endsWith(extension)) continue;
    newest = Math.max(newest, statSync(join(entry.parentPath, entry.name)).mtimeMs);
  }
  return newest;
}

function isBuilt(): boolean {
  try {
    const built = statSync(join(root, 'dist', 'cli', 'main.js')).mtimeMs;
    return sources.every((folder) => newestMtimeMs(folder, '.ts') <= built);
  } catch {
    return false;
  }
}

/** Tests that start processes start the built program: build it once, where the sources are newer. */
export function setup(): void {
  const skip = process.env['SKIP_BUILD'] !== undefined || isBuilt();
  const args = [join(root, 'scripts', 'build.mjs'), ...(skip ? ['--finish'] : [])];
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' });
  if (status !== 0) {
    throw new Error(`The build failed (SKIP_BUILD=1 tests the last one instead).\n${stdout}${stderr}`);
  }
}
