import { FleetError } from '../../core/errors.ts';
import { typesFor } from '../../core/privacy/destinations.ts';
import { addCounts } from '../../core/privacy/restore.ts';
import type { Config } from '../../schemas/config.ts';
import type { TypeCounts } from '../../schemas/privacy.ts';
import { reachTimeoutMs } from '../handlers/find-run.ts';
import type { Fleet } from '../fleet/fleet.ts';
import type { RunRecord } from '../store/run-store.ts';
import { openDiff } from './open-diff.ts';
import type { Vault } from './vault.ts';

interface ExportDeps {
  fleet: Pick<Fleet, 'reach'>;
  vault: Vault;
  config: Pick<Config, 'privacy'>;
}

const pageBytes = 2 * 1024 * 1024;

export interface DiffExport {
  /** A stretch of a run's diff in base64, see exportDiff(); the first one decides whether the sink may have it. */
  page(run: RunRecord, sink: string, from: number): Promise<{ data?: string; more: boolean }>;
}

/** The last diff that was asked for stays in memory until its last page has left. */
export function createDiffExport(deps: ExportDeps): DiffExport {
  let held: { runId: string; sink: string; diff: Buffer } | undefined;
  return {
    async page(run, sink, from) {
      const isHeld = from > 0 && held?.runId === run.run_id && held.sink === sink;
      const diff = isHeld ? held?.diff : await exportDiff(deps, run, sink);
      if (diff === undefined) return { more: false };
      const end = Math.min(diff.length, from + pageBytes);
      held = end < diff.length ? { runId: run.run_id, sink, diff } : undefined;
      return { data: diff.subarray(from, end).toString('base64'), more: end < diff.length };
    },
  };
}

/**
 * A run's diff as it is, for a sink that may have every type of value that was replaced in the run; else
 * UNAUTHORIZED. undefined where nothing was replaced: then its handle has it. Either way it is on record.
 */
async function exportDiff(
  { fleet, vault, config }: ExportDeps,
  run: RunRecord,
  sink: string,
): Promise<Buffer | undefined> {
  const replaced = run.attempts.reduce<TypeCounts>(
    (sum, { privacy }) => addCounts(sum, privacy?.replaced ?? {}),
    {},
  );
  const scope = vault.known(run.spec.task_id);
  const handle = run.handles.findLast(({ stream }) => stream === 'diff');
  const remoteRunId = run.attempts.find(({ attempt }) => attempt === handle?.attempt)?.remote_run_id;
  if (scope === undefined || handle === undefined || remoteRunId === undefined) return undefined;
  const types: ReadonlySet<string> = typesFor(config.privacy.allow, [sink]);
  const missing = Object.keys(replaced).filter((type) => type !== 'TEXT' && !types.has(type));
  const isAllowed = missing.length === 0;
  const link = await fleet.reach(handle.worker_id, reachTimeoutMs);
  const diff = isAllowed ? await openDiff(link, scope, remoteRunId) : undefined;
  if (isAllowed && diff === undefined) return undefined;
  await vault.audit({
    scope: scope.id,
    run_id: run.run_id,
    handle_id: handle.handle_id,
    destination: sink,
    allowed: isAllowed ? 1 : 0,
    restored: JSON.stringify(isAllowed ? replaced : {}),
    withheld: JSON.stringify(isAllowed ? {} : replaced),
    unknown: 0,
  });
  if (isAllowed) return diff;
  throw new FleetError('UNAUTHORIZED', `"${sink}" may not have ${missing.join(', ')} values.`, {
    next: `List them for "${sink}" under "privacy.allow" in the configuration.`,
  });
}
