import { expect, it, onTestFinished } from 'vitest';
import { countTokens } from 'gpt-tokenizer/encoding/o200k_base';
import { manifest } from '../../schemas/manifest.ts';
import { eventually } from '../helpers/processes.ts';
import { pollToEnd, realFleet } from '../coordinator/real-fleet.ts';

it('what agents were told of a run outlives its coordinator, and is set against what it printed', async () => {
  const real = await realFleet({ workers: { count: 1, slots: 1 } });
  onTestFinished(() => real.close());
  const tokensOf = async (runId: string) => {
    const { stdout } = await real.fleet.cli('manifest', runId, '--tokens');
    const { told, tokens } = manifest.parse(JSON.parse(stdout));
    return { told, tokens };
  };
  const peer = await real.up();
  const text = 'spoken by a run';
  const input = { pipeline: 'echo', cwd: real.fleet.work, task_id: 'echo', inputs: { text } };
  const { runs } = await peer.call('start_run', input);
  const runId = runs[0]?.run_id ?? '';
  await pollToEnd(peer, 'echo');

  const before = await tokensOf(runId);
  const inline = { tokens: countTokens(`${text}\n`), method: 'exact' };
  expect(before.tokens).toMatchObject({ inline, told: { method: 'exact' } });
  expect(before.tokens?.avoided).toBe(inline.tokens - (before.tokens?.told.tokens ?? 0));
  expect(before.told?.replies).toBeGreaterThanOrEqual(2);
  expect(before.told).toMatchObject({ counted_bytes: 0, tokens: 0 });

  const coordinator = real.processes().find(({ name }) => name === 'coordinator');
  process.kill(coordinator?.pid ?? 0, 'SIGKILL');
  await eventually(() => !real.processes().some(({ pid }) => pid === coordinator?.pid), 5_000);
  await real.up();
  const after = await tokensOf(runId);
  expect(after.told).toEqual(before.told);
  // Of what the texts are gone it is reckoned by what the run would be answered with now.
  expect(after.tokens).toMatchObject({ inline, told: { method: 'sampled' } });
  const ratio = (after.tokens?.told.tokens ?? 0) / (before.tokens?.told.tokens ?? 1);
  expect(ratio).toBeGreaterThan(0.75);
  expect(ratio).toBeLessThan(1.35);
}, 60_000);
