import { copyFile, lstat, mkdir, rm, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { FleetError } from '../../../core/errors.ts';
import type { StartProcess } from '../runner/process.ts';
import { git, GitFailed, type GitCall } from './git.ts';

/** A private copy of a work tree, for one run. */
export interface Workspace {
  /** Top of the copy. */
  root: string;
  /** The folder in the copy that stands for the run's cwd. */
  cwd: string;
  /** Tree object of the state at the start, dirty and untracked files included. */
  baseTree: string;
  /** Folders whose Git objects the copy borrows; a sandbox must let it read them. */
  objectDirs: string[];
}

type Env = Readonly<Record<string, string>>;

/** What every call of Git needs. */
interface Using {
  env: Env;
  /** Ends it half-way. */
  signal?: AbortSignal | undefined;
  /** Confines it. */
  startProcess?: StartProcess | undefined;
}

export interface Repository {
  /** Top of the user's work tree. */
  top: string;
  /** From the top to the run's cwd; empty at the top. */
  prefix: string;
  gitDir: string;
  objectDir: string;
}

/** The repository a folder lies in; undefined where it lies in none (or in a bare one). */
export async function findRepository(cwd: string, env: Env): Promise<Repository | undefined> {
  try {
    const lines = (
      await git(
        [
          'rev-parse',
          '--path-format=absolute',
          '--show-toplevel',
          '--git-dir',
          '--git-path',
          'objects',
          '--show-prefix',
        ],
        { cwd, env },
      )
    ).split('\n');
    const [top, gitDir, objectDir, prefix] = lines;
    if (top === undefined || gitDir === undefined || objectDir === undefined) return undefined;
    return { top, gitDir, objectDir, prefix: prefix ?? '' };
  } catch (error) {
    if (error instanceof GitFailed) return undefined;
    throw error;
  }
}

/**
 * Content is copied byte by byte: no line-end conversion, no clean or smudge filter, whatever the
 * repository's attributes say. `$GIT_DIR/info/attributes` has the last word (gitattributes(5)).
 */
const plainBytes = '* -text -filter -ident -working-tree-encoding\n';

/**
 * Clones the work tree as it stands into `dir`, which must not exist. Objects are borrowed
 * (`git clone --shared`); nothing at all is written in the user's repository, its index and stash
 * included. Ignored files and the contents of submodules do not come along.
 */
export async function cloneWorkspace(
  repository: Repository,
  dir: string,
  env: Env,
  signal?: AbortSignal,
): Promise<Workspace> {
  const using = { env, signal };
  const { top, prefix, objectDir } = repository;
  await mkdir(join(dir, '..'), { recursive: true, mode: 0o700 });
  await git(['clone', '--quiet', '--shared', '--no-checkout', '--template=', '--', top, dir], {
    cwd: '/',
    ...using,
  });
  const gitDir = join(dir, '.git');
  await git(['remote', 'set-url', '--push', 'origin', 'no-push'], { cwd: dir, ...using });
  await mkdir(join(gitDir, 'info'), { recursive: true });
  await writeFile(join(gitDir, 'info', 'attributes'), plainBytes);

  await copyFile(join(objectDir, '..', 'info', 'exclude'), join(gitDir, 'info', 'exclude')).catch(
    () => undefined,
  );

  const head = (await hasCommits(dir, using)) ? 'HEAD' : undefined;
  const baseTree = await snapshot(gitDir, { workTree: top, tracked: head }, using);
  await git(['update-ref', 'refs/codex-fleet/base', baseTree], { cwd: dir, ...using });
  await git(['read-tree', '--reset', '-u', baseTree], { cwd: dir, ...using });
  await git(['read-tree', head ?? '--empty'], { cwd: dir, ...using });
  return { root: dir, cwd: resolve(dir, prefix), baseTree, objectDirs: [objectDir] };
}

async function hasCommits(dir: string, using: Using): Promise<boolean> {
  try {
    await git(['rev-parse', '--verify', '--quiet', 'HEAD'], { cwd: dir, ...using });
    return true;
  } catch (error) {
    if (error instanceof GitFailed) return false;
    throw error;
  }
}

interface State {
  workTree: string;
  /** A tree whose files count even where they are ignored. */
  tracked: string | undefined;
}

/** Writes a work tree's present state as a tree object into the clone's own store. */
async function snapshot(gitDir: string, { workTree, tracked }: State, using: Using): Promise<string> {
  const index = join(gitDir, 'codex-fleet-index');
  const location = { GIT_DIR: gitDir, GIT_WORK_TREE: workTree, GIT_INDEX_FILE: index };
  // Left where an earlier process died, or by a run: Git writes where a link leads.
  await rm(`${index}.lock`, { force: true });
  await rm(index, { force: true });
  try {
    if (tracked !== undefined) await git(['read-tree', tracked], { cwd: workTree, ...using, location });
    await addAll(index, { cwd: workTree, ...using, location });
    return (await git(['write-tree'], { cwd: workTree, ...using, location })).trim();
  } finally {
    await rm(index, { force: true });
    await rm(`${index}-paths`, { force: true });
  }
}

/**
 * Submodules are looked at one by one, by their HEAD alone: `git add` would ask each for its status, and a
 * Git that does so runs the filters that the submodule's own configuration names.
 */
async function addAll(index: string, call: GitCall): Promise<void> {
  const staged = await git(['ls-files', '--stage', '-z'], call);
  const submodules = [...staged.matchAll(/(?<![^\0])160000 [^\0]*?\t([^\0]+)\0/g)].map(
    ([, path = '']) => path,
  );
  if (submodules.length === 0) {
    await git(['add', '--all', '.'], call);
    return;
  }
  const pathspecs = ['.', ...submodules.map((path) => `:(exclude,literal)${path}`)];
  await writeAnew(`${index}-paths`, pathspecs.join('\0'));
  await git(['add', '--all', `--pathspec-from-file=${index}-paths`, '--pathspec-file-nul'], call);
  for (const path of submodules) await git(['update-index', '--add', '--remove', '--', path], call);
}

/** Whatever lies there under that name: a run may have left a link to a file of somebody else. */
async function writeAnew(file: string, text: string): Promise<void> {
  await rm(file, { recursive: true, force: true });
  await writeFile(file, text, { flag: 'wx' });
}

/** What is written in a folder that is a link is written elsewhere, by us. */
async function refuseLink(folder: string): Promise<void> {
  if ((await lstat(folder).catch(() => undefined))?.isDirectory() === true) return;
  throw new FleetError('WRONG_STATE', `The private copy has no folder ${folder} any more.`);
}

/**
 * Streams the difference between the state at the start and now, as a patch `git apply` takes
 * (binary files and commits made in between included). Nothing is streamed where nothing changed.
 * Answers the folders that have become repositories of their own: no patch can hold their files.
 */
export async function diffWorkspace(
  workspace: Workspace,
  env: Env,
  onOutput: (chunk: Buffer) => void,
  how: Omit<Using, 'env'> = {},
): Promise<string[]> {
  const using = { env, ...how };
  const gitDir = join(workspace.root, '.git');
  for (const name of ['.', 'info', 'objects']) await refuseLink(join(gitDir, name));
  await writeAnew(join(gitDir, 'info', 'attributes'), plainBytes);
  const now = await snapshot(gitDir, { workTree: workspace.root, tracked: workspace.baseTree }, using);
  if (now === workspace.baseTree) return [];
  const trees = [workspace.baseTree, now];
  const call = { cwd: workspace.root, ...using };
  await git(['diff', '--binary', '--full-index', '--no-ext-diff', '--no-textconv', '--no-color', ...trees], {
    ...call,
    onOutput,
  });
  const changes = await git(['diff-tree', '-r', '--no-renames', '-z', ...trees], call);
  return [...changes.matchAll(/:\d+ 160000 [^\0]*\0([^\0]+)\0/g)].map(([, path = '']) => path);
}
