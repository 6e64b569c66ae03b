import { readFileSync, writeFileSync } from 'node:fs';
import { expect, it, onTestFinished } from 'vitest';
import { connect } from '../../../mcp/client.ts';
import { fleetContracts } from '../../../schemas/tools.ts';
import { pollToEnd, realFleet } from '../real-fleet.ts';

it('reads what drained local workers keep, and those of an earlier, larger fleet', async () => {
  const real = await realFleet({ workers: { count: 2, slots: 1 } });
  onTestFinished(() => real.close());
  const peer = await real.up();
  const runs = ['one', 'two', 'three', 'four'].map((text) => ({ inputs: { text } }));
  await peer.call('start_run', { pipeline: 'echo', cwd: real.fleet.work, task_id: 't', runs });
  const ended = await pollToEnd(peer, 't');
  const ofSecond = ended.find(({ worker }) => worker === 'local-2')?.handles?.[0]?.handle_id;
  if (ofSecond === undefined) throw new Error('all runs went to one worker');
  const before = await peer.call('read_handle', { handle_id: ofSecond });
  expect((await real.fleet.cli('drain', 'local-2')).code).toBe(0);
  expect(await peer.call('read_handle', { handle_id: ofSecond })).toEqual(before);
  expect((await real.fleet.cli('down')).code).toBe(0);
  const file = real.fleet.env['CODEX_FLEET_CONFIG'] ?? '';
  const config: object = JSON.parse(readFileSync(file, 'utf8'));
  writeFileSync(file, JSON.stringify({ ...config, workers: { count: 1, slots: 1 } }));
  expect((await real.fleet.cli('up')).code).toBe(0);
  const later = await connect(fleetContracts, { socket: real.paths.coordinatorSocket });
  onTestFinished(() => later.close());
  expect(await later.call('read_handle', { handle_id: ofSecond })).toEqual(before);
}, 60_000);
