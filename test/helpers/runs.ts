import { nanoid } from 'nanoid';
import type { Claim, Finish, NewRun, StoredHandle } from '../../coordinator/store/run-store.ts';
import type { RunSpec } from '../../schemas/run.ts';

/** Runs, claims and ends as a coordinator would make them, with whatever a test cares about. */

export function newRun(overrides: { owner?: string; now?: number; spec?: Partial<RunSpec> } = {}): NewRun {
  return {
    run_id: `run_${nanoid()}`,
    owner: overrides.owner ?? 'jane',
    spec: {
      pipeline: 'codex',
      task_id: 'task',
      cwd: '/home/jane/app',
      prompt: 'Fix the failing test',
      inputs: {},
      ask: false,
      depth: 0,
      ...overrides.spec,
    },
    now: overrides.now ?? 1000,
  };
}

export function claimOf(runId: string, overrides: Partial<Claim> & { worker?: string } = {}): Claim {
  const { worker, ...rest } = overrides;
  return {
    run_id: runId,
    placement: {
      worker_id: worker ?? 'local-1',
      policy: 'least_loaded',
      why: 'idle',
      next: [],
      rejected: {},
    },
    boot_id: 'boot-1',
    lease_ms: 30_000,
    now: 2000,
    ...rest,
  };
}

export function finishOf(runId: string, overrides: Partial<Finish> = {}): Finish {
  return {
    run_id: runId,
    attempt: 1,
    now: 9000,
    status: 'completed',
    outcome: { kind: 'exit', code: 0 },
    handles: [],
    ...overrides,
  };
}

export function handleOf(overrides: Partial<StoredHandle> = {}): StoredHandle {
  return {
    handle_id: `hdl_${nanoid()}`,
    stream: 'stdout',
    stage: 'log',
    media_type: 'text/plain',
    state: 'open',
    bytes: 12,
    lines: 1,
    truncated: false,
    created_at: 3000,
    worker_id: 'local-1',
    attempt: 1,
    ...overrides,
  };
}
