import { join } from 'node:path';
import { delegated } from '../../core/route.ts';
import { FleetError } from '../../core/errors.ts';
import type { Input } from '../../mcp/handlers.ts';
import { createPace } from '../../platform/pace.ts';
import type { RunContracts } from '../../schemas/tools.ts';
import type { HandlerDeps } from '../handlers/deps.ts';
import { openTaskFolder } from '../manifest/export.ts';
import { newTaskIndex, readOn } from '../manifest/task-index.ts';
import type { RunRecord, StoredHandle } from '../store/run-store.ts';
import { exportFile } from './export-file.ts';
import type { Page, RemoteHandle } from '../../core/remote-bytes.ts';

const defaultMs = 5_000;
/** Handles whose copies are being written. */
const busy = new Set<string>();

/**
 * Writes a handle to a file in the folder of its task, `.runs/<task>/delegated/<run>/`, beside the
 * run's manifest; its name is the handle's own. What the time does not suffice for goes on by cursor.
 */
export async function exportHandle(
  deps: HandlerDeps,
  input: Input<RunContracts['read_handle']>,
  held: { run: RunRecord; handle: StoredHandle },
  remote: RemoteHandle,
): Promise<Page> {
  const { run, handle } = held;
  if (busy.has(handle.handle_id)) {
    throw new FleetError('NO_CAPACITY', 'This handle is just being exported.', {
      next: 'Call again in a second.',
    });
  }
  busy.add(handle.handle_id);
  try {
    return await writeOut(deps, input, run, handle, remote);
  } catch (error) {
    throw isSystemError(error) ? cannotWrite(error) : error;
  } finally {
    busy.delete(handle.handle_id);
  }
}

async function writeOut(
  deps: HandlerDeps,
  input: Input<RunContracts['read_handle']>,
  run: RunRecord,
  handle: StoredHandle,
  remote: RemoteHandle,
): Promise<Page> {
  const from = startOf(input.cursor);
  const { runs_dir: runsDir } = deps.config;
  const cwd = await cwdOfTask(deps, run);
  const task = await openTaskFolder({ cwd, task_id: run.spec.task_id }, runsDir, deps.log);
  if (task === undefined) throw noFolder(runsDir);
  const name = `${handle.handle_id}.${handle.stream}${extensionOf(handle)}`;
  try {
    const folder = await task.enterRun(run.run_id);
    try {
      const pace = createPace(input.wait_ms ?? defaultMs, remote.signal);
      const { page, written, sha256 } = await exportFile(remote, { folder, name, from }, pace);
      const top = runsDir === 'project' ? join(cwd, '.runs') : runsDir;
      const path = join(top, run.spec.task_id, delegated, run.run_id, name);
      return replyOf(input, page, { path, written, sha256 });
    } finally {
      await folder.close();
    }
  } finally {
    await task.close();
  }
}

function replyOf(
  input: Input<RunContracts['read_handle']>,
  page: Page,
  { path, written, sha256 }: { path: string; written: number; sha256: string | undefined },
): Page {
  const { from_line: _, to_line: __, sha256: ___, ...rest } = page;
  const reply = { ...rest, text: '', encoding: 'utf8' as const, from_byte: 0, to_byte: written };
  if (sha256 !== undefined) return { ...reply, sha256, path, next: `The file is ${path}` };
  const cursor = String(written);
  return { ...reply, cursor, next: `read_handle ${JSON.stringify({ ...input, mode: 'export', cursor })}` };
}

/** The folder the task was started for, where its manifests are as well. */
async function cwdOfTask({ store }: HandlerDeps, run: RunRecord): Promise<string> {
  const index = newTaskIndex(run.owner, run.spec.task_id);
  await readOn(index, store, 0, async () => undefined);
  return index.first?.spec.cwd ?? run.spec.cwd;
}

function startOf(cursor: string | undefined): number {
  if (cursor === undefined) return 0;
  if (/^\d{1,15}$/.test(cursor)) return Number(cursor);
  throw new FleetError('INVALID_INPUT', '"cursor" is none that this mode gave.', {
    next: 'Leave it out to export from the beginning.',
  });
}

function extensionOf({ stream }: StoredHandle): string {
  if (stream === 'events') return '.jsonl';
  return stream === 'diff' ? '.patch' : '.txt';
}

function noFolder(runsDir: string): FleetError {
  const why =
    runsDir === 'off'
      ? 'The configuration wants no .runs folders ("runs_dir": "off").'
      : 'Something else than folders of the fleet stands where the task’s folder would be.';
  return new FleetError('INVALID_INPUT', why, {
    next: 'Read it by pages, or `codex-fleet read HANDLE --all > FILE`.',
  });
}

function isSystemError(error: unknown): error is NodeJS.ErrnoException {
  return error instanceof Error && 'syscall' in error && 'code' in error;
}

function cannotWrite(error: NodeJS.ErrnoException): FleetError {
  return new FleetError('STORE_UNAVAILABLE', `The file cannot be written (${error.code ?? 'EIO'}).`, {
    next: 'Make room, or clear the way in .runs, then export it again.',
    cause: error,
  });
}
