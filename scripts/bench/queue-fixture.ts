import { nanoid } from 'nanoid';
import type { Claim, Finish, NewRun, StoredHandle } from '../../coordinator/store/run-store.ts';

/** What a typical `diagnostics` run leaves: two handles and a preview of some 700 tokens. */
const preview = 'commit 4f2a1c9 Jane Doe 2026-11-22 Make the reader wait\n'.repeat(32);
const sha256 = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855';

export function newRun(now: number): NewRun {
  return {
    run_id: `run_${nanoid()}`,
    owner: 'bench',
    spec: {
      pipeline: 'diagnostics',
      task_id: `task-${now % 50}`,
      cwd: '/home/jane/app',
      stages: ['history'],
      inputs: { since: '2026-01-01' },
      label: 'history of the last months',
      request_key: nanoid(),
      ask: false,
      depth: 0,
    },
    now,
  };
}

export function claimOf(run: NewRun, now: number): Claim {
  return {
    run_id: run.run_id,
    placement: {
      worker_id: 'local-1',
      policy: 'least_loaded',
      why: '1 of 4 slots busy',
      next: [{ worker_id: 'local-2', why: '2 of 4 slots busy' }],
      rejected: { draining: 1 },
    },
    boot_id: 'V1StGXR8Z5jd',
    lease_ms: 30_000,
    now,
  };
}

export function finishOf(run: NewRun, now: number): Finish {
  return {
    run_id: run.run_id,
    attempt: 1,
    now,
    status: 'completed',
    outcome: { kind: 'exit', code: 0 },
    handles: [handle('stdout', now), handle('events', now)],
    preview,
  };
}

function handle(stream: 'stdout' | 'events', now: number): StoredHandle {
  return {
    handle_id: `hdl_${nanoid()}`,
    stream,
    stage: 'history',
    media_type: 'text/plain',
    state: 'sealed',
    bytes: 48_211,
    lines: 912,
    sha256,
    truncated: false,
    created_at: now,
    attempt: 1,
    worker_id: 'local-1',
  };
}
