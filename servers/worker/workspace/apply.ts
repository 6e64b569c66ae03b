import { FleetError } from '../../../core/errors.ts';
import { git, GitFailed } from './git.ts';

export interface PatchCall {
  /** The patch, as a file. */
  file: string;
  cwd: string;
  env: Readonly<Record<string, string>>;
  checkOnly: boolean;
}

/**
 * Applies a patch to the work tree a folder lies in, after a check that it would apply; answers the
 * files it names. CONFLICT where the check fails, and then nothing is changed.
 */
export async function applyPatch({ file, cwd, env, checkOnly }: PatchCall): Promise<string[]> {
  const top = (await git(['rev-parse', '--show-toplevel'], { cwd, env }).catch(notARepository)).trim();
  const names = await git(['apply', '--numstat', '-z', file], { cwd: top, env });
  const files = names.split('\0').flatMap((line) => line.split('\t').slice(2));
  try {
    await git(['apply', '--3way', '--check', file], { cwd: top, env });
  } catch (error) {
    if (!(error instanceof GitFailed)) throw error;
    throw new FleetError('CONFLICT', `The patch does not apply here: ${firstLine(error.complaint)}`, {
      next: 'Commit or undo your own changes to these files, or apply the diff by hand.',
      cause: error,
    });
  }
  if (!checkOnly) await git(['apply', '--3way', file], { cwd: top, env });
  return files.filter((name) => name !== '');
}

function notARepository(): never {
  throw new FleetError('WRONG_STATE', 'This folder is in no Git repository.', { next: 'Go to the repository first.' });
}

function firstLine(text: string): string {
  return text.split('\n', 1)[0]?.replace(/^error: /, '') ?? '';
}
