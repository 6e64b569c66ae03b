import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { effectiveConfig } from '../../platform/config.ts';
import { readDepth } from '../../platform/environment.ts';
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

const workersPatienceMs = 15_000;

/** Starts the fleet, fans the runs out, follows them to their ends, and takes the fleet down whatever happens. */
export async function runQuickstart(place: Quickstart, request: QuickstartRequest): Promise<RunSnapshot[]> {
  const startedAt = Date.now();
  const connect = (): Promise<Fleet> => ensureFleet(place.paths, place.env);
  try {
    const input = startInput(place, request);
    const { runs } = await withFleet(connect(), async (fleet) => {
      const slots = await awaitWorkers(fleet, request.signal);
      process.stderr.write(`Fleet up after ${formatMs(Date.now() - startedAt)}: ${slots}.\n`);
      return fleet.call('start_run', input, {
        cwd: request.cwd,
        callId: randomUUID(),
        depth: readDepth(place.env),
      });
    });
    const runIds = runs.map(({ run_id }) => run_id);
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

/** Until every worker is up, so that the figures are those of runs and not of processes that start. */
async function awaitWorkers(fleet: Fleet, signal: AbortSignal): Promise<string> {
  const deadline = Date.now() + workersPatienceMs;
  for (;;) {
    const { workers } = await fleet.call('list_workers', {}, { signal });
    if (Date.now() > deadline || workers.every(({ state }) => state === 'up')) {
      return workers
        .map(({ worker_id, state, slots }) => `${worker_id} ${state}, ${String(slots)} slots`)
        .join('; ');
    }
    await delay(50);
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
