import { mkdir, rm, stat } from 'node:fs/promises';
import { FleetError } from '../../../core/errors.ts';
import { contains } from '../../../core/cwd-rule.ts';
import type { Outcome } from '../../../schemas/run.ts';
import type { PrivateCopy } from '../sandbox/sandbox.ts';
import { cloneWorkspace, diffWorkspace, findRepository, type Workspace } from '../workspace/clone.ts';
import { GitFailed } from '../workspace/git.ts';
import type { LiveRecord } from './live-record.ts';
import { replacedBy } from './replaced.ts';
import { takeDown } from './run-facts.ts';
import { createStageRecorder } from './stage-recorder.ts';
import type { RunDeps } from './stage-session.ts';

/** A file that goes away while Git reads the tree makes it fail: a user, or another run, may be at work there. */
const clonings = 3;
/** A tree too large, or a disk too slow, for this is left for `codex-fleet gc`. */
const maxDiffMs = 120_000;

/**
 * The folder in its private copy a run works in; copied at the first time, found again after a pause. A
 * FleetError says why there is none.
 */
export async function enterWorkspace(deps: RunDeps, known: LiveRecord, signal: AbortSignal): Promise<string> {
  if (known.workspace === undefined) {
    known.workspace = await copyTree(deps, known, signal);
    known.save();
  }
  const { cwd } = known.workspace;
  if ((await stat(cwd).catch(() => undefined))?.isDirectory() === true) return cwd;
  throw new FleetError('WRONG_STATE', "The run's private copy of the work tree is gone.", {
    next: 'Start another run.',
  });
}

async function copyTree(
  { files, env, log }: RunDeps,
  known: LiveRecord,
  signal: AbortSignal,
): Promise<Workspace> {
  const { run_id, spec } = known;
  const dir = files.workspaceDir(run_id);
  const repository = await findRepository(spec.cwd, env);
  if (repository === undefined || contains(repository.top, env['HOME'] ?? '/')) throw cannotCopy();
  for (let left = clonings - 1; ; left -= 1) {
    try {
      await rm(dir, { recursive: true, force: true });
      const workspace = await cloneWorkspace(repository, dir, env, signal);
      // What Git ignores is not in the copy, the run's own folder included.
      await mkdir(workspace.cwd, { recursive: true });
      return workspace;
    } catch (error) {
      await rm(dir, { recursive: true, force: true }).catch(() => undefined);
      if (signal.aborted || !(error instanceof GitFailed)) throw error;
      log.warn({ run_id, err: error, git: error.complaint }, 'a work tree could not be cloned');
      if (left === 0) throw cannotCopy(error);
    }
  }
}

function cannotCopy(cause?: GitFailed): FleetError {
  const how = cause === undefined ? '' : `: ${cause.message.replace(/\.$/, '')}`;
  return new FleetError('WRONG_STATE', `The work tree could not be cloned${how}.`, {
    next: 'The worker\'s log has what git says; workspace "none" works in place.',
    cause,
  });
}

/**
 * Stores what a run has changed in its copy behind the run's diff handle, for which it may take
 * `maxBytes`. Answers why it is not there whole; undefined where it is, or where nothing was changed.
 * Never rejects.
 */
export async function storeDiff(
  deps: RunDeps,
  known: LiveRecord,
  what: DiffToStore,
): Promise<Outcome | undefined> {
  const attempt = (): Promise<Outcome | undefined> =>
    tryToStore(deps, known, what).catch((error: unknown) => {
      deps.log.error({ run_id: known.run_id, err: error }, 'a diff could not be stored');
      return failure('What the run changed could not be stored.');
    });
  let fault = await attempt();
  if (fault === noKeys) {
    await known.privacy.keysGiven();
    fault = await attempt();
  }
  if (fault !== undefined) takeDown(known.facts, { kind: 'note', text: kept(what.workspace) }, deps.now());
  return fault;
}

interface DiffToStore {
  workspace: Workspace;
  /** Git is confined as it asks for its commands; undefined where it is not known any more. */
  recipe: Pick<PrivateCopy, 'config' | 'pipeline'> | undefined;
  /** Under which it is listed. */
  stage: string;
  maxBytes: number;
}

async function tryToStore(
  deps: RunDeps,
  known: LiveRecord,
  { workspace, recipe, stage, maxBytes }: DiffToStore,
): Promise<Outcome | undefined> {
  const { handles, env, now, log, sandbox } = deps;
  const { run_id } = known;
  // Of a process that died half-way.
  for (const { handle_id: id, stream } of handles.ofRun(run_id))
    if (stream === 'diff') await handles.delete(id);
  let fault: Outcome | undefined;
  const stop = new AbortController();
  const recorder = createStageRecorder({
    handles,
    run_id,
    stage,
    budget: { left: maxBytes },
    now,
    guard: known.privacy.stream,
    onOutput: () => {
      known.tookOutput(false);
    },
    onLimit: (which) => {
      fault ??= { kind: 'limit', which };
      stop.abort();
    },
  });
  known.preview.begin(recorder.previews);
  const timer = setTimeout(() => {
    stop.abort();
  }, maxDiffMs);
  const startProcess =
    recipe && (await sandbox.aroundCopy(deps.startProcess, { ...recipe, ...workspace, env }));
  const before = replacedBy(known);
  const kept = known.privacy.keepOriginal?.('diff');
  const write = (chunk: Buffer): void => {
    recorder.write('diff', chunk);
    kept?.add(chunk);
  };
  try {
    const leftOut = await diffWorkspace(workspace, env, write, { signal: stop.signal, startProcess });
    if (leftOut.length > 0) fault ??= failure(`${leftOut.join(', ')} became a repository of its own.`);
  } catch (error) {
    log.warn({ run_id, err: error, git: error instanceof GitFailed && error.complaint }, 'no diff');
    fault ??= failure('What the run changed could not be put into a diff.');
  } finally {
    clearTimeout(timer);
  }
  if (fault !== undefined) recorder.truncated('diff');
  await recorder.seal();
  if (kept?.end(replacedBy(known) > before) === false) fault ??= noKeys;
  if (kept?.hasSurrogates === true) fault ??= inDiff;
  known.preview.end();
  return fault;
}

const inDiff: Outcome = {
  kind: 'engine',
  code: 'surrogate_in_diff',
  message:
    'What the run wrote has surrogates where values belong: its worker may not see them. The private copy is kept.',
};

const noKeys = failure(
  'What the run changed has private values in it, and no coordinator has given the key to keep them under.',
);

function failure(message: string): Outcome {
  return { kind: 'engine', code: 'workspace', message: `${message} The private copy is kept.` };
}

function kept({ root }: Workspace): string {
  return `The diff is not whole. The run's private copy of the work tree is kept: ${root}`;
}
