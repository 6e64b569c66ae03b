import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { connect, type Peer } from '../../mcp/client.ts';
import { fleetPaths } from '../../platform/paths.ts';
import type { Manifest } from '../../schemas/manifest.ts';
import type { RunLimits } from '../../schemas/limits.ts';
import type { RunSnapshot } from '../../schemas/run.ts';
import { fleetContracts, type FleetContracts } from '../../schemas/tools.ts';
import { createCodexFleet, type CodexFleet } from '../helpers/codex-user.ts';
import { keptManifest } from '../helpers/manifests.ts';
import { eventually } from '../helpers/processes.ts';
import { script, type Step } from '../scripted-model/script.ts';

let fleet: CodexFleet;
let peer: Peer<FleetContracts>;
let runId: string;

beforeEach(async () => {
  fleet = await createCodexFleet({ workers: { count: 1, slots: 4 } });
  const { code, stderr } = await fleet.cli('up');
  expect(code, stderr).toBe(0);
  peer = await connect(fleetContracts, { socket: fleetPaths(fleet.env).coordinatorSocket });
});
afterEach(async () => {
  await peer.close();
  await fleet.close();
});

async function start(steps: Step[], options: { ask?: boolean; limits?: RunLimits } = {}): Promise<void> {
  const started = await peer.call('start_run', {
    prompt: script(...steps),
    cwd: fleet.work,
    task_id: 'codex',
    ...options,
  });
  runId = started.runs[0]?.run_id ?? '';
}

/** Waits until the run fits, told by the coordinator alone. */
async function until(fits: (run: RunSnapshot) => boolean): Promise<RunSnapshot> {
  let cursor: string | undefined;
  for (let polls = 0; polls < 100; polls += 1) {
    const given = cursor === undefined ? {} : { cursor };
    const reply = await peer.call('poll_run', {
      run_ids: [runId],
      wait_ms: 5_000,
      until: 'change',
      ...given,
    });
    cursor = reply.cursor;
    const run = reply.runs.at(-1);
    if (run !== undefined && fits(run)) return run;
  }
  throw new Error('the run never came to that');
}

/** Without these nobody may let a run leave its sandbox. */
const quotas = { memory_bytes: 2_147_483_648, processes: 500 };

const ended = (run: RunSnapshot): boolean => ['completed', 'failed', 'cancelled'].includes(run.status);

function manifestOf(): Manifest {
  const kept = keptManifest(fleetPaths(fleet.env), runId);
  if (kept === undefined) throw new Error(`no manifest of ${runId}`);
  return kept;
}

test('a worker killed in mid-run: the run goes on in the same thread, as a second attempt', async () => {
  await start([{ shell: 'echo first' }, { say: 'after the crash', delay_ms: 2_500 }]);
  await fleet.model.request(({ text }) => text.includes('function_call_output'));
  const { workers } = await peer.call('list_workers', {});
  expect(workers[0]?.state).toBe('up');
  const record = JSON.parse(readFileSync(join(fleet.stateDir, 'workers', 'local-1', 'process.json'), 'utf8'));
  process.kill(record.pid, 'SIGKILL');
  const run = await until(ended);
  expect(run).toMatchObject({ status: 'completed', outcome: 'exit 0', attempt: 2 });
  const { attempts } = manifestOf();
  expect(attempts.map(({ outcome }) => outcome?.kind)).toEqual(['lost', 'exit']);
  expect(attempts[1]?.engine_thread_id).toBe(attempts[0]?.engine_thread_id);
  expect(run.preview).toContain('after the crash');
}, 60_000);

test('a question reaches the parent, and what it grants holds for that command', async () => {
  const file = join(fleet.work, '..', 'outside.txt');
  const command = {
    cmd: `touch ${file}`,
    sandbox_permissions: 'require_escalated',
    justification: 'why not',
  };
  await start([{ shell: command }, { shell: `touch ${file}.again` }, { shell: command }, { say: 'thanks' }], {
    ask: true,
    limits: quotas,
  });
  const asking = await until(({ status }) => status === 'input_required');
  expect(asking.question).toBe(`To run outside its sandbox: touch ${file} (why not)`);
  expect(manifestOf().decisions).toMatchObject([{ answer: 'asked', escalation: 'sandbox', attempt: 1 }]);
  await peer.call('resume_run', { run_id: runId, answer: 'accept' });
  await until(({ status, question }) => status === 'input_required' && question !== undefined);
  expect([existsSync(file), existsSync(`${file}.again`)]).toEqual([true, false]);
  await peer.call('resume_run', { run_id: runId, answer: 'decline' });
  const run = await until(ended);
  expect(run).toMatchObject({ outcome: 'exit 0', escalations: '1 granted, 1 declined' });
  const { decisions } = manifestOf();
  expect(decisions.map(({ answer, by, attempt }) => ({ answer, by, attempt }))).toEqual([
    { answer: 'accepted', by: 'client', attempt: 1 },
    { answer: 'declined', by: 'client', attempt: 1 },
  ]);

  rmSync(file);
  await start([{ shell: command }, { say: 'thanks' }], { ask: true });
  const refused = await until(ended);
  expect(refused.escalations).toMatch(/^1 declined\. It has no limit of memory_bytes and processes/);
  expect(manifestOf().decisions).toMatchObject([{ answer: 'declined', by: 'rule', escalation: 'sandbox' }]);
  expect(existsSync(file)).toBe(false);
}, 60_000);

test('a run is paused at the turn boundary and goes on with a message; another is steered', async () => {
  await start([{ shell: 'sleep 30' }, { say: 'never' }]);
  await until(({ status }) => status === 'running');
  await fleet.model.request(({ text }) => text.includes('sleep 30'));
  const paused = await peer.call('pause_run', { run_id: runId });
  expect(paused).toMatchObject({ status: 'paused', how: 'turn_boundary' });
  await peer.call('resume_run', { run_id: runId, message: script({ say: 'went on' }) });
  expect(await until(ended)).toMatchObject({ status: 'completed', outcome: 'exit 0' });

  await start([{ shell: 'sleep 2.5' }, { say: 'heard', delay_ms: 200 }]);
  await fleet.model.request(({ text }) => text.includes('sleep 2.5'));
  await until(({ status }) => status === 'running');
  await peer.call('resume_run', { run_id: runId, message: 'mind the tests' });
  expect(await until(ended)).toMatchObject({ outcome: 'exit 0' });
  expect(fleet.model.requests.at(-1)?.text).toContain('mind the tests');
}, 90_000);

test('cancel ends a run and its commands within 3 s', async () => {
  await start([{ shell: 'sleep 600' }, { say: 'never' }]);
  await fleet.model.request(({ text }) => text.includes('sleep 600'));
  await until(({ status }) => status === 'running');
  const begun = Date.now();
  await peer.call('cancel_run', { run_ids: [runId] });
  expect(await until(ended)).toMatchObject({ status: 'cancelled', outcome: 'cancelled' });
  expect(Date.now() - begun).toBeLessThan(3_000);
}, 60_000);

test('15 MB of command output stand complete behind the handle', async () => {
  await start([{ shell: 'seq 1 2000000' }, { say: 'done' }]);
  const run = await until(ended);
  expect(run.outcome).toBe('exit 0');
  const stdout = manifestOf().handles.find(({ stream }) => stream === 'stdout');
  expect(stdout).toMatchObject({ bytes: 14_888_896, lines: 2_000_000, truncated: false, state: 'sealed' });
  const page = await peer.call('read_handle', {
    handle_id: stdout?.handle_id ?? '',
    mode: 'lines',
    from: 1_999_999,
    count: 2,
  });
  expect(page.text).toBe('1999999\n2000000\n');
}, 90_000);

test('a model that fails, limits or drops ends the run with a typed outcome', async () => {
  const usage = {
    error: { type: 'usage_limit_reached', message: 'limit', plan_type: 'pro', resets_at: 2_000_000_000 },
  };
  const cases: [Step, RegExp][] = [
    [{ failed: { code: 'server_error', message: 'broken' } }, /^engine /],
    [{ status: 429, body: usage, headers: { 'retry-after': '30' } }, /^engine usageLimitExceeded/],
    [{ say: 'half', drop: true }, /^engine /],
  ];
  for (const [step, expected] of cases) {
    await start([step]);
    const run = await until(ended);
    expect(run.status).toBe('failed');
    expect(run.outcome).toMatch(expected);
  }
}, 90_000);

test('a restart of its worker stops a run at the turn boundary, and it goes on in the same thread', async () => {
  await start([{ shell: 'sleep 600' }, { say: 'after the restart' }]);
  await fleet.model.request(({ text }) => text.includes('sleep 600'));
  await until(({ status }) => status === 'running');
  const restarted = await fleet.cli('restart', '--interrupt-after', '0');
  expect(restarted).toMatchObject({ code: 0, stdout: 'local-1 has been restarted.\n' });
  expect(await until(ended)).toMatchObject({ status: 'completed', outcome: 'exit 0', attempt: 2 });
  const { attempts } = manifestOf();
  expect(attempts.map(({ outcome }) => outcome)).toEqual([
    { kind: 'lost', resumable: true, orderly: true },
    { kind: 'exit', code: 0 },
  ]);
  expect(attempts[1]?.engine_thread_id).toBe(attempts[0]?.engine_thread_id);
}, 60_000);

test.each(['running', 'paused', 'input_required'] as const)(
  'cancelled while it is %s, nothing of it is left within 3 s',
  async (status) => {
    const command = {
      cmd: 'echo let-me-out',
      sandbox_permissions: 'require_escalated',
      justification: 'why',
    };
    const step = status === 'input_required' ? { shell: command } : { shell: 'setsid sleep 600 & sleep 600' };
    await start([step, { say: 'never' }], { ask: true, limits: quotas });
    if (status !== 'input_required') {
      await fleet.model.request(({ text }) => text.includes('sleep 600'));
      await until((run) => run.status === 'running');
    } else await until((run) => run.status === status);
    if (status === 'paused') await peer.call('pause_run', { run_id: runId });
    const begun = performance.now();
    await peer.call('cancel_run', { run_ids: [runId] });
    await eventually(() => codexProcesses() === 0, 3_000);
    process.stderr.write(`cancel of a ${status} run: ${String(Math.round(performance.now() - begun))} ms\n`);
    expect(await until(ended)).toMatchObject({ status: 'cancelled' });
    expect((await peer.call('cancel_run', { run_ids: [runId] })).runs).toEqual([
      { run_id: runId, status: 'cancelled' },
    ]);
  },
  60_000,
);

/** Processes whose CODEX_HOME is one of this fleet's runs. */
function codexProcesses(): number {
  const own = `CODEX_HOME=${fleet.stateDir}`;
  return readdirSync('/proc').filter((pid) => {
    if (!/^\d+$/.test(pid)) return false;
    try {
      return readFileSync(`/proc/${pid}/environ`, 'latin1').includes(own);
    } catch {
      return false;
    }
  }).length;
}
