import { copyFile, lstat, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { FleetError } from '../../../core/errors.ts';
import { disarmedDrivers, namesOfSettings, type Setting } from './disarmed.ts';
import { git, GitFailed } from './git.ts';

export interface PatchCall {
  /** The patch, as a file. */
  file: string;
  cwd: string;
  env: Readonly<Record<string, string>>;
  checkOnly: boolean;
}

interface Repository {
  top: string;
  env: PatchCall['env'];
  /** A patch holds the bytes of the work tree: no filter of the repository has a part in it. */
  drivers: readonly Setting[];
}

/**
 * Applies a patch to the work tree a folder lies in, as it stands there, else by a three-way merge;
 * answers the files it names. CONFLICT where neither would go through, and then nothing is changed.
 */
export async function applyPatch({ file, cwd, env, checkOnly }: PatchCall): Promise<string[]> {
  const top = (await git(['rev-parse', '--show-toplevel'], { cwd, env }).catch(notARepository)).trimEnd();
  const drivers = disarmedDrivers(await git(namesOfSettings, { cwd: top, env }));
  const repository = { top, env, drivers };
  const files = await filesOf(file, repository);
  for (const name of files) await refuseLinks(name, top);
  const how = (await appliesAsItIs(file, repository)) ? [] : ['--3way'];
  if (how.length > 0) await checkMerge(file, repository);
  if (!checkOnly) await git(['apply', ...how, file], { cwd: top, env, drivers });
  return files;
}

/** Under its new name where one is renamed. */
async function filesOf(file: string, { top, env, drivers }: Repository): Promise<string[]> {
  const counts = await git(['apply', '--numstat', '-z', file], { cwd: top, env, drivers }).catch(
    (error: unknown) => {
      throw refused(error, 'This is no patch');
    },
  );
  const names = counts.split('\0').map((line) => line.replace(/^(?:\d+|-)\t(?:\d+|-)\t/, ''));
  return [...new Set(names)].filter((name) => name !== '');
}

/** A merge goes by the index, which knows nothing of an untracked link on the way to a file. */
async function refuseLinks(name: string, top: string): Promise<void> {
  for (let folder = dirname(name); folder !== '.' && folder !== '/'; folder = dirname(folder)) {
    const stat = await lstat(join(top, folder)).catch(() => undefined);
    if (stat?.isSymbolicLink() !== true) continue;
    throw new FleetError(
      'CONFLICT',
      `The patch does not apply here: ${name} lies beyond the link ${folder}.`,
      {
        next: 'Remove the link, or apply the diff by hand.',
      },
    );
  }
}

async function appliesAsItIs(file: string, { top, env, drivers }: Repository): Promise<boolean> {
  try {
    await git(['apply', '--check', file], { cwd: top, env, drivers });
    return true;
  } catch (error) {
    if (error instanceof GitFailed) return false;
    throw error;
  }
}

/**
 * Whether a merge would go through. `--3way --check` finds files that differ from the index, but passes
 * what would end in conflict markers; the merge itself, into a copy of the index, does not.
 */
async function checkMerge(file: string, { top, env, drivers }: Repository): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'codex-fleet-index-'));
  try {
    await git(['apply', '--3way', '--check', file], { cwd: top, env, drivers });
    const index = (await git(['rev-parse', '--git-path', 'index'], { cwd: top, env, drivers })).trimEnd();
    const copy = join(folder, 'index');
    await copyFile(resolve(top, index), copy);
    await git(['apply', '--3way', '--cached', file], {
      cwd: top,
      env,
      drivers,
      location: { GIT_INDEX_FILE: copy },
    });
  } catch (error) {
    throw refused(error, 'The patch does not apply here');
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function refused(error: unknown, what: string): unknown {
  if (!(error instanceof GitFailed)) return error;
  return new FleetError('CONFLICT', `${what}: ${firstComplaint(error.complaint)}.`, {
    next: 'Commit or undo your own changes to these files, or apply the diff by hand.',
    cause: error,
  });
}

function notARepository(): never {
  throw new FleetError('WRONG_STATE', 'This folder is in no Git repository.', {
    next: 'Go to the repository first.',
  });
}

/** What stands in the way comes before what was tried. */
function firstComplaint(text: string): string {
  const lines = text.split('\n').filter((line) => line !== '');
  const line =
    lines.find((one) => one.startsWith('error: ')) ??
    lines.find((one) => one.includes('conflict')) ??
    lines[0];
  return (line ?? 'git gave no reason').replace(/^error: /, '').replace(/\.$/, '');
}
