import { cp, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { onTestFinished } from 'vitest';
import { programFile } from './fleet.ts';

/** The built program as another version of it: a copy beside another package.json. Its entry file. */
export async function programOfVersion(version: string, patch: Record<string, string> = {}): Promise<string> {
  const built = dirname(dirname(programFile));
  const root = await mkdtemp(join('/var/tmp', 'fleet-version-'));
  onTestFinished(() => rm(root, { recursive: true, force: true }));
  await cp(built, join(root, 'dist'), { recursive: true });
  await symlink(join(dirname(built), 'node_modules'), join(root, 'node_modules'));
  await writeFile(
    join(root, 'package.json'),
    JSON.stringify({ name: 'codex-fleet', version, type: 'module' }),
  );
  for (const [file, text] of Object.entries(patch)) await writeFile(join(root, 'dist', file), text);
  return join(root, 'dist', 'cli', 'main.js');
}
