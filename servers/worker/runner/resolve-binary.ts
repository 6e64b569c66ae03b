import { realpathSync } from 'node:fs';
import { isAbsolute, join, relative } from 'node:path';
import { isExecutable } from './find-programs.ts';
import { errnoOf } from './spawn-child.ts';

export type Resolution =
  { kind: 'found'; file: string } | { kind: 'missing'; errno: 'ENOENT' | 'EACCES'; why: string };

/**
 * The absolute path that `name` stands for on `path`. Refused: relative names, relative PATH folders,
 * and everything whose real place is inside `cwd`, because what a run can write it must not make run
 * under an allowed name. The path is left as found, since some programs go by the name they are
 * called by.
 */
export function resolveBinary(name: string, path: string, cwd: string): Resolution {
  if (name.includes('/')) {
    if (!isAbsolute(name)) return refused('EACCES', `${name} is a relative path`);
    return check(name, cwd) ?? refused('ENOENT', `${name} is not an executable file`);
  }
  if (name === '') return refused('ENOENT', 'the name of the program is empty');
  let inside: Resolution | undefined;
  for (const folder of path.split(':').filter(isAbsolute)) {
    const resolution = check(join(folder, name), cwd);
    if (resolution?.kind === 'found') return resolution;
    inside ??= resolution;
  }
  return inside ?? refused('ENOENT', `${name} is not on the PATH of runs`);
}

/** undefined where the file cannot be executed at all. */
function check(file: string, cwd: string): Resolution | undefined {
  if (!isExecutable(file)) return undefined;
  try {
    if (!isInside(realpathSync(file), realpathSync(cwd))) return { kind: 'found', file };
  } catch (error) {
    return refused('ENOENT', `${file} cannot be followed to its real place (${errnoOf(error)})`);
  }
  return refused('EACCES', `${file} lies inside the folder the run works in`);
}

function isInside(file: string, folder: string): boolean {
  const path = relative(folder, file);
  return path !== '..' && !path.startsWith('../');
}

function refused(errno: 'ENOENT' | 'EACCES', why: string): Resolution {
  return { kind: 'missing', errno, why };
}
