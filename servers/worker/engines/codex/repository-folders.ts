import { lstat, readFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { isInside } from './permission-profile.ts';

export interface RepositoryFolders {
  /** The work tree the folder belongs to; undefined outside a repository. */
  top: string | undefined;
  /** Folders outside the work tree that git reads: a linked work tree's repository, shared objects. */
  outside: string[];
}

/** Finds them from the files git itself would follow, without running git. */
export async function repositoryFolders(cwd: string, home: string): Promise<RepositoryFolders> {
  const top = await findTop(cwd, home);
  if (top === undefined) return { top, outside: [] };
  const gitDir = await resolveGitDir(join(top, '.git'));
  const common = resolve(gitDir, (await firstLine(join(gitDir, 'commondir'))) ?? '.');
  const objects = join(common, 'objects');
  const alternates = (await readText(join(objects, 'info', 'alternates'))).split('\n').filter(Boolean);
  const read = [gitDir, common, ...alternates.map((line) => resolve(objects, line))];
  return { top, outside: [...new Set(read)].filter((folder) => !isInside(folder, top)) };
}

/** Up to the home folder, which is never a work tree for this purpose, and never the root. */
async function findTop(cwd: string, home: string): Promise<string | undefined> {
  for (let folder = cwd; !isInside(home, folder) && folder !== dirname(folder); folder = dirname(folder)) {
    const found = await lstat(join(folder, '.git')).catch(() => undefined);
    if (found !== undefined) return folder;
  }
  return undefined;
}

/** `.git` is a folder, or in a linked work tree a file `gitdir: <path>`. */
async function resolveGitDir(dotGit: string): Promise<string> {
  const line = await firstLine(dotGit);
  return line?.startsWith('gitdir: ') === true
    ? resolve(dirname(dotGit), line.slice('gitdir: '.length))
    : dotGit;
}

async function firstLine(file: string): Promise<string | undefined> {
  const line = (await readText(file)).split('\n')[0];
  return line === '' ? undefined : line;
}

function readText(file: string): Promise<string> {
  return readFile(file, 'utf8').catch(() => '');
}
