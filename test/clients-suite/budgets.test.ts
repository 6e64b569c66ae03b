import { afterEach, beforeEach, expect, test } from 'vitest';
import { connect, type Peer } from '../../mcp/client.ts';
import { fleetPaths } from '../../platform/paths.ts';
import type { Manifest } from '../../schemas/manifest.ts';
import { fleetContracts, type FleetContracts } from '../../schemas/tools.ts';
import { createCodexFleet, type CodexFleet } from '../helpers/codex-user.ts';
import { keptManifest } from '../helpers/manifests.ts';
import { script, type Step } from '../scripted-model/script.ts';
import { pollToEnd } from '../coordinator/real-fleet.ts';

let fleet: CodexFleet;
let peer: Peer<FleetContracts>;

beforeEach(async () => {
  fleet = await createCodexFleet({ workers: { count: 1, slots: 2 } });
  const { code, stderr } = await fleet.cli('up');
  expect(code, stderr).toBe(0);
  peer = await connect(fleetContracts, { socket: fleetPaths(fleet.env).coordinatorSocket });
});
afterEach(async () => {
  await peer.close();
  await fleet.close();
});

/** One model call of 1,100 tokens, 800 of them cached, that runs a command and so is followed by another. */
const turn: Step = {
  shell: 'true',
  usage: { input_tokens: 1_000, cached_tokens: 800, output_tokens: 100, reasoning_tokens: 0 },
};

function manifestOf(runId: string): Manifest {
  const kept = keptManifest(fleetPaths(fleet.env), runId);
  if (kept === undefined) throw new Error(`no manifest of ${runId}`);
  return kept;
}

test.each([
  ['max_tokens', { max_tokens: 2_000 }, { tokens: 2_000 }, 'tokens', 2],
  ['max_turns', { max_turns: 2 }, { turns: 2 }, 'turns', 2],
] as const)('a run ends with the call that passes %s', async (_name, budget, reserved, which, calls) => {
  const prompt = script(turn, turn, turn, turn, { say: 'done' });
  await peer.call('start_run', { prompt, cwd: fleet.work, task_id: 'own', ...budget });
  const [run] = await pollToEnd(peer, 'own');
  expect(run).toMatchObject({ status: 'failed', outcome: `limit ${which}` });
  // Codex may have begun its next call before it hears of the interrupt, and tells of that one, too.
  expect([calls, calls + 1]).toContain(run?.usage?.calls);
  expect(run?.error).toContain(which);
  expect(run?.handles?.map((handle) => handle.stream)).toContain('events');
  const { attempts, outcome } = manifestOf(run?.run_id ?? '');
  expect(outcome).toEqual({ kind: 'limit', which });
  expect(attempts[0]).toMatchObject({ reserved, usage: { calls: run?.usage?.calls } });
  expect(fleet.model.requests.length).toBeLessThanOrEqual(calls + 1);
});

test('a task ends what waits once its runs have used its tokens', async () => {
  const prompt = script(turn, { ...turn, shell: undefined, say: 'done' });
  const runs = Array.from({ length: 4 }, () => ({ prompt }));
  await peer.call('start_run', { runs, cwd: fleet.work, task_id: 'task', task_budget: { tokens: 4_000 } });
  const ended = await pollToEnd(peer, 'task');
  const used = ended.reduce(
    (sum, { usage }) => sum + (usage?.input_tokens ?? 0) + (usage?.output_tokens ?? 0),
    0,
  );
  expect(ended.filter((run) => run.status === 'completed')).toHaveLength(1);
  expect(ended.filter((run) => run.outcome === 'limit tokens')).toHaveLength(3);
  // What was begun may pass the limit by one call, no more.
  expect(used).toBeLessThanOrEqual(4_000 + 1_100);
});
