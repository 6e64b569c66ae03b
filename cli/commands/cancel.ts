import { defineCommand, wrongUsage } from '../command.ts';
import { connectFleet, withFleet } from '../fleet/connect.ts';
import { selectRuns } from '../fleet/select-runs.ts';
import { print, printJson } from '../output.ts';
import { processEnv } from '../../platform/environment.ts';
import { fleetPaths } from '../../platform/paths.ts';

export const cancel = defineCommand({
  name: 'cancel',
  usage: '[OPTIONS] RUN… | TASK | --group GROUP',
  about: 'Ends runs and every process of theirs. What they printed so far is kept.',
  examples: [
    'codex-fleet cancel fix-login',
    'codex-fleet cancel run_V1StGXR8Z5jdHi6BmyT01',
    'codex-fleet cancel --group grp-V1StGXR8Z5',
  ],
  options: {
    group: {
      type: 'string',
      value: 'GROUP',
      about: 'The runs of one start_run, by the `group` of its reply',
    },
  },
  run: async ({ values, positionals, json }) => {
    const { group } = values;
    if (group !== undefined && positionals.length > 0)
      throw wrongUsage('cancel', 'Name runs, a task or a group, not two of them');
    const selection = group === undefined ? selectRuns('cancel', positionals) : { group };
    const reply = await withFleet(connectFleet(fleetPaths(processEnv)), (fleet) =>
      fleet.call('cancel_run', selection),
    );
    if (json) printJson(reply);
    else for (const { run_id, status } of reply.runs) print(`${run_id} · ${status}`);
    if (!json && reply.runs.length === 0) print(reply.next);
    return 0;
  },
});
