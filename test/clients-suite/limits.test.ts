import { afterAll, beforeAll, expect, test } from 'vitest';
import { connect, type Peer } from '../../mcp/client.ts';
import { fleetPaths } from '../../platform/paths.ts';
import { fleetContracts, type FleetContracts } from '../../schemas/tools.ts';
import { createCodexFleet, type CodexFleet } from '../helpers/codex-user.ts';
import { script } from '../scripted-model/script.ts';
import { pollToEnd } from '../coordinator/real-fleet.ts';

let fleet: CodexFleet;
let peer: Peer<FleetContracts>;

beforeAll(async () => {
  fleet = await createCodexFleet({
    workers: { count: 1, slots: 2 },
    limits: { memory_bytes: 1_073_741_824, processes: 120, cpu_ms: 30_000, open_files: 1_024 },
  });
  const { code, stderr } = await fleet.cli('up');
  expect(code, stderr).toBe(0);
  peer = await connect(fleetContracts, { socket: fleetPaths(fleet.env).coordinatorSocket });
});
afterAll(async () => {
  await peer.close();
  await fleet.close();
});

test("Codex and what it runs are held to a run's limits together", async () => {
  const forkBomb = 'n=0; while [ $n -lt 300 ]; do sleep 30 & n=$((n + 1)); done; wait';
  const runs = [
    { label: 'modest', prompt: script({ shell: 'echo hello' }, { say: 'done' }) },
    { label: 'bomb', prompt: script({ shell: forkBomb }, { say: 'done' }) },
  ];
  await peer.call('start_run', { runs, cwd: fleet.work, task_id: 'held' });
  const ended = await pollToEnd(peer, 'held');
  expect(Object.fromEntries(ended.map(({ label, outcome }) => [label, outcome]))).toEqual({
    modest: 'exit 0',
    bomb: 'limit processes',
  });
});
