import { accessSync, constants, statSync } from 'node:fs';
import { dirname, isAbsolute, join } from 'node:path';

const systemFolders = ['/usr/bin', '/bin', '/usr/sbin', '/sbin', '/usr/local/bin'];

/** All places where an executable of that name lies: the folders of `path`, then the system's own. */
export function findPrograms(name: string, path: string): string[] {
  const folders = [...path.split(':').filter(isAbsolute), ...systemFolders];
  return [...new Set(folders.map((folder) => join(folder, name)))].filter(isExecutable);
}

/** The bubblewrap that Codex's own package ships beside its binary, for systems that have none. */
export function bwrapBesideCodex(codexBinary: string): string[] {
  return [join(dirname(codexBinary), '..', 'codex-resources', 'bwrap')].filter(isExecutable);
}

export function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return statSync(file).isFile();
  } catch {
    return false;
  }
}
