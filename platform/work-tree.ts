import { existsSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { contains } from '../core/cwd-rule.ts';

/**
 * Top folder of the Git work tree a folder lies in, found without running git; undefined outside of one.
 * A home folder kept under Git is none for this purpose, nor is anything above it: a copy of it would
 * hold all the user has.
 */
export function findWorkTree(cwd: string, home: string): string | undefined {
  for (let folder = cwd; !contains(folder, home) && folder !== dirname(folder); folder = dirname(folder)) {
    if (isRepository(join(folder, '.git'))) return folder;
  }
  return undefined;
}

/** Codex's sandbox leaves an empty folder of this name behind where it is killed. */
function isRepository(git: string): boolean {
  return existsSync(join(git, 'HEAD')) || isFile(git);
}

/** In a linked work tree it is a file that names the repository. */
function isFile(path: string): boolean {
  try {
    return statSync(path).isFile();
  } catch {
    return false;
  }
}
