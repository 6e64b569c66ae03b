import { randomUUID } from 'node:crypto';
import { effectiveConfig } from '../../platform/config.ts';
import { findInstall } from '../../platform/install.ts';
import type { RunSnapshot } from '../../schemas/run.ts';
import { ensureFleet, withFleet, type Fleet } from '../fleet/connect.ts';
import { followRuns } from '../fleet/follow.ts';
import { showProgress } from '../fleet/progress.ts';
import { takeDown } from '../fleet/take-down.ts';
import { formatMs } from '../output.ts';
import type { Quickstart } from './folder.ts';

export interface QuickstartRequest {
  cwd: string;
  /** For Codex; without one the stages of `diagnostics` run, each as a run of its own. */
  prompt: string | undefined;
  signal: AbortSignal;
}

/** What a preview in a parent's context may cost. */
const previewTokens = 300;

/** Starts the fleet, fans the runs out, follows them to their ends, and takes the fleet down whatever happens. */
export async function runQuickstart(place: Quickstart, request: QuickstartRequest): Promise<RunSnapshot[]> {
  const startedAt = Date.now();
  const connect = (): Promise<Fleet> => ensureFleet(place.paths, place.env);
  try {
    const { runs } = await withFleet(connect(), (fleet) =>
      fleet.call('start_run', startInput(place, request), { cwd: request.cwd, callId: randomUUID() }),
    );
    const runIds = runs.map(({ run_id }) => run_id);
    process.stderr.write(
      `Fleet up with ${String(runIds.length)} runs accepted after ${formatMs(Date.now() - startedAt)}.\n`,
    );
    const progress = showProgress(runIds.length);
    try {
      const { signal } = request;
      return await followRuns(connect, {
        runIds,
        previewTokens,
        signal,
        onChange: (run) => progress.update(run),
      });
    } finally {
      progress.end();
    }
  } finally {
    await takeDown(place.paths, 'cancel');
  }
}

function startInput({ config }: Quickstart, { cwd, prompt }: QuickstartRequest) {
  const task = {
    task_id: `quickstart-${new Date().toISOString().slice(0, 19).replaceAll(/[-:]/g, '')}`,
    cwd,
  };
  if (prompt !== undefined) return { ...task, pipeline: 'codex', prompt, label: 'codex' };
  const stages = effectiveConfig(config, findInstall()).pipelines['diagnostics']?.stages ?? [];
  return {
    ...task,
    pipeline: 'diagnostics',
    runs: stages.map(({ name }) => ({ stages: [name], label: name })),
  };
}
