import { access, rmdir } from 'node:fs/promises';
import { join } from 'node:path';

/** Codex makes these in a workspace while a sandboxed command runs, to keep the command out of them. */
const mountPoints = ['.agents', '.aws', '.codex', '.git'];

export async function missingMountPoints(cwd: string): Promise<string[]> {
  const missing: string[] = [];
  for (const name of mountPoints) {
    await access(join(cwd, name)).catch(() => missing.push(name));
  }
  return missing;
}

/** A Codex that was killed leaves them behind, empty; a folder with something in it stays. */
export async function removeMountPoints(cwd: string, missingBefore: readonly string[]): Promise<void> {
  for (const name of missingBefore) await rmdir(join(cwd, name)).catch(() => undefined);
}
