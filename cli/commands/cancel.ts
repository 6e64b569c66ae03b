import { defineCommand } from '../command.ts';
import { connectFleet, withFleet } from '../fleet/connect.ts';
import { selectRuns } from '../fleet/select-runs.ts';
import { print, printJson } from '../output.ts';
import { processEnv } from '../../platform/environment.ts';
import { fleetPaths } from '../../platform/paths.ts';

export const cancel = defineCommand({
  name: 'cancel',
  usage: '[OPTIONS] RUN… | TASK',
  about: 'Ends runs and every process of theirs. What they printed so far is kept.',
  examples: ['codex-fleet cancel fix-login', 'codex-fleet cancel run_V1StGXR8Z5jdHi6BmyT01'],
  options: {},
  run: async ({ positionals, json }) => {
    const selection = selectRuns('cancel', positionals);
    const reply = await withFleet(connectFleet(fleetPaths(processEnv)), (fleet) =>
      fleet.call('cancel_run', selection),
    );
    if (json) printJson(reply);
    else for (const { run_id, status } of reply.runs) print(`${run_id} · ${status}`);
    return 0;
  },
});
