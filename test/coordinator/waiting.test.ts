import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { eventually } from '../helpers/processes.ts';
import { pollToEnd, realFleet, type RealFleet } from './real-fleet.ts';

let real: RealFleet;

beforeEach(async () => {
  real = await realFleet();
});

afterEach(async () => {
  await real.close();
});

it(
  'what waits for runs and for its budget waits on after the coordinator was killed',
  { timeout: 60_000 },
  async () => {
    const peer = await real.up();
    const file = (name: string): string => join(real.fleet.work, name);
    const inputs = { counter: file('count'), gate: file('gate') };
    const shared = { cwd: real.fleet.work, task_id: 'chain' };
    const { runs } = await peer.call('start_run', {
      ...shared,
      runs: [
        { pipeline: 'wait', inputs, label: 'first' },
        { pipeline: 'echo', inputs: { text: 'then' }, after: ['first'], label: 'second' },
      ],
    });
    // All the attempts the other task may make are taken by the run under way.
    const waits = { pipeline: 'wait', inputs: { counter: file('other-count'), gate: file('gate') } };
    const budgeted = await peer.call('start_run', {
      cwd: real.fleet.work,
      task_id: 'budgeted',
      runs: [waits, { pipeline: 'echo' }],
      task_budget: { attempts: 1 },
    });
    await eventually(() => existsSync(file('count')) && existsSync(file('other-count')), 15_000);
    process.kill(await real.fleet.coordinatorPid(), 'SIGKILL');
    const again = await real.up();
    const second = await again.call('poll_run', { run_ids: [runs[1]?.run_id ?? ''] });
    expect(second.runs).toMatchObject([{ status: 'pending', waiting_for: 'after' }]);
    writeFileSync(file('gate'), '');
    const ended = await pollToEnd(again, 'chain');
    expect(ended.map(({ status }) => status)).toEqual(['completed', 'completed']);
    expect(await pollToEnd(again, 'budgeted')).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ run_id: budgeted.runs[0]?.run_id, status: 'completed' }),
        expect.objectContaining({
          run_id: budgeted.runs[1]?.run_id,
          status: 'failed',
          outcome: 'limit attempts',
        }),
      ]),
    );
    expect(readFileSync(file('count'), 'utf8').trim().split('\n')).toHaveLength(1);
  },
);
