import { afterEach, expect, test } from 'vitest';
import { connect, type Peer } from '../../mcp/client.ts';
import { fleetPaths } from '../../platform/paths.ts';
import type { RunSnapshot } from '../../schemas/run.ts';
import { isTerminal } from '../../schemas/run-words.ts';
import { fleetContracts, type FleetContracts } from '../../schemas/tools.ts';
import { createCodexFleet, type CodexFleet, type CodexUserOptions } from '../helpers/codex-user.ts';
import type { RecordedRequest } from '../scripted-model/start.ts';
import { script, type Step } from '../scripted-model/script.ts';

let fleet: CodexFleet;
let peer: Peer<FleetContracts>;

async function open(slots: number, options: CodexUserOptions): Promise<void> {
  // With the retries Codex has of its own.
  fleet = await createCodexFleet({ workers: { count: 2, slots } }, { retries: {}, ...options });
  const { code, stderr } = await fleet.cli('up');
  expect(code, stderr).toBe(0);
  peer = await connect(fleetContracts, { socket: fleetPaths(fleet.env).coordinatorSocket });
}
afterEach(async () => {
  await peer.close();
  await fleet.close();
});

async function start(prompts: readonly Step[][]): Promise<string[]> {
  const runs = prompts.map((steps) => ({ prompt: script(...steps) }));
  const { runs: started } = await peer.call('start_run', {
    cwd: fleet.work,
    task_id: 'limited',
    shared_workspace: true,
    runs,
  });
  return started.map((run) => run.run_id);
}

/** How every run stands at last, told by the coordinator alone; calls `look` with each reply. */
async function allEnded(ids: readonly string[], look = (_runs: readonly RunSnapshot[]): void => undefined) {
  const known = new Map<string, RunSnapshot>();
  let cursor: string | undefined;
  while (ids.some((id) => !isTerminal(known.get(id)?.status ?? 'pending'))) {
    const given = cursor === undefined ? {} : { cursor };
    const reply = await peer.call('poll_run', {
      task_id: 'limited',
      wait_ms: 5_000,
      preview_tokens: 0,
      ...given,
    });
    cursor = reply.cursor;
    for (const run of reply.runs) known.set(run.run_id, run);
    look(reply.runs);
  }
  return ids.map((id) => known.get(id));
}

function planned(run: number): Record<string, string> {
  return { step: `run ${String(run)}`, status: 'completed' };
}

function threadOf({ headers }: RecordedRequest): string {
  return String(headers['thread-id']);
}

/** For each refusal, how long after the provider's word the same thread asked again. */
function delaysAfterReset(requests: readonly RecordedRequest[], retryAfterMs: number): number[] {
  return requests.flatMap((request, at) => {
    if (!request.refused) return [];
    const next = requests.slice(at + 1).find((later) => threadOf(later) === threadOf(request));
    return [next === undefined ? Infinity : next.at - request.at - retryAfterMs];
  });
}

test('a provider with three requests at a time: 50 of 50 runs end well, for few requests, each in its one thread', async () => {
  await open(8, { limit: { concurrent: 3, retryAfterSeconds: 1 } });
  const steps = (run: number): Step[] => [
    // A call that starts no process: what is measured is the model's.
    { calls: [{ name: 'update_plan', arguments: { plan: [planned(run)] } }], delay_ms: 1_000 },
    { say: `run ${String(run)} is done`, delay_ms: 1_000 },
  ];
  const ids = await start(Array.from({ length: 50 }, (_, run) => steps(run)));
  const waits = new Set<string>();
  const ends = await allEnded(ids, (runs) => {
    for (const run of runs) if (run.status === 'pending') waits.add(run.waiting_for ?? '');
  });
  expect(ends.map((run) => run?.outcome)).toEqual(ids.map(() => 'exit 0'));
  const { requests } = fleet.model;
  const refused = requests.filter((request) => request.refused);
  const delays = delaysAfterReset(requests, 1_000).sort((one, other) => one - other);
  console.log(
    `requests ${String(requests.length)}, ideal 100, refused ${String(refused.length)}, ` +
      `longest wait after the reset ${String(delays.at(-1))} ms`,
  );
  expect(refused.length).toBeGreaterThan(0);
  expect(requests.length).toBeLessThanOrEqual(1.3 * 100);
  // None began again: one thread a run, in which what was asked first is always there.
  expect(new Set(requests.map(threadOf)).size).toBe(50);
  for (const request of requests) expect(request.text).toMatch(/run \d+ is done/);
  expect(delays[0]).toBeGreaterThanOrEqual(-50);
  // Where sixteen of Codex and the clients of another file share two cores, one or the other is late.
  expect(delays[Math.floor(0.8 * delays.length)]).toBeLessThanOrEqual(5_000);
  expect(delays.at(-1)).toBeLessThanOrEqual(20_000);
  expect([...waits]).toContain('rate_limit');
}, 180_000);

test('a spent window parks runs until it ends, with their slots free; they go on within 5 s, each where it was', async () => {
  const resetsAt = Math.ceil(Date.now() / 1_000) + 20;
  await open(2, { limit: { resetsAt } });
  const ids = await start(Array.from({ length: 3 }, (_, run) => [{ say: `run ${String(run)} is done` }]));
  const parked = new Set<string>();
  const ends = await allEnded(ids, (runs) => {
    for (const run of runs) if (run.waiting_for === 'rate_limit') parked.add(run.run_id);
  });
  expect(ends.map((run) => run?.outcome)).toEqual(ids.map(() => 'exit 0'));
  expect(parked.size).toBe(3);
  const { requests } = fleet.model;
  const delays = requests.filter(({ refused }) => !refused).map(({ at }) => at - resetsAt * 1_000);
  console.log(`refused ${String(requests.length - 3)}, went on ${delays.join(', ')} ms after the reset`);
  expect(delays).toHaveLength(3);
  expect(Math.max(...delays)).toBeLessThanOrEqual(5_000);
  expect(new Set(requests.map(threadOf)).size).toBeLessThanOrEqual(3);
  for (const request of requests) expect(request.text).toMatch(/run \d is done/);
}, 90_000);
