import { defineCommand, wrongUsage } from '../command.ts';
import { connectFleet, withFleet } from '../fleet/connect.ts';
import { selectRuns } from '../fleet/select-runs.ts';
import { runReport } from '../fleet/show-runs.ts';
import { readInteger } from '../options.ts';
import { print, printJson } from '../output.ts';
import { processEnv } from '../../platform/environment.ts';
import { fleetPaths } from '../../platform/paths.ts';
import { maxWaitMs } from '../../schemas/tools.ts';

export const poll = defineCommand({
  name: 'poll',
  usage: '[OPTIONS] RUN… | TASK',
  about: 'Shows runs, or all runs of a task: state, handles and a preview of what they printed.',
  examples: [
    'codex-fleet poll fix-login',
    'codex-fleet poll run_V1StGXR8Z5jdHi6BmyT01 --wait 25',
    'codex-fleet poll fix-login --cursor 41 --json',
  ],
  options: {
    wait: {
      type: 'string',
      value: 'SECONDS',
      about: 'Wait up to 25 s for news (with --cursor) or for --until',
    },
    until: { type: 'string', value: 'WHAT', about: 'What to wait for: change, any or all (ends)' },
    cursor: { type: 'string', value: 'CURSOR', about: 'Only what is new since the poll that answered it' },
    preview: { type: 'string', value: 'TOKENS', about: 'Size of previews, up to 2000; default 700' },
  },
  run: async ({ values, positionals, json }) => {
    const waitMs = readInteger('poll', 'wait', values.wait, { min: 0, max: maxWaitMs / 1000, unit: 1000 });
    const tokens = readInteger('poll', 'preview', values.preview, { min: 0, max: 2000 });
    const input = {
      ...selectRuns('poll', positionals),
      ...(waitMs === undefined ? {} : { wait_ms: waitMs }),
      ...(tokens === undefined ? {} : { preview_tokens: tokens }),
      ...(values.cursor === undefined ? {} : { cursor: values.cursor }),
      ...(values.until === undefined ? {} : { until: readUntil(values.until) }),
    };
    const reply = await withFleet(connectFleet(fleetPaths(processEnv)), (fleet) =>
      fleet.call('poll_run', input),
    );
    if (json) {
      printJson(reply);
      return 0;
    }
    print(reply.runs.length === 0 ? 'Nothing new.' : runReport(reply.runs));
    print(`\n${String(reply.open)} not ended · cursor ${reply.cursor}${reply.more ? ' · more with it' : ''}`);
    return 0;
  },
});

function readUntil(value: string): 'change' | 'any' | 'all' {
  if (value === 'change' || value === 'any' || value === 'all') return value;
  throw wrongUsage('poll', '--until is change, any or all');
}
