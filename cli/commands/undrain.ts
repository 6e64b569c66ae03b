import { defineCommand, wrongUsage } from '../command.ts';
import { connectFleet, withFleet } from '../fleet/connect.ts';
import { drainWorker } from '../fleet/operate.ts';
import { print, printJson } from '../output.ts';
import { processEnv } from '../../platform/environment.ts';
import { fleetPaths } from '../../platform/paths.ts';

export const undrain = defineCommand({
  name: 'undrain',
  usage: '[OPTIONS] WORKER',
  about: 'The worker takes runs again.',
  examples: ['codex-fleet undrain local-1'],
  options: {},
  run: async ({ positionals, json }) => {
    const [worker, ...more] = positionals;
    if (worker === undefined || more.length > 0) throw wrongUsage('undrain', 'Name one worker');
    const standing = await withFleet(connectFleet(fleetPaths(processEnv)), (fleet) =>
      drainWorker(fleet, worker, false),
    );
    if (json) printJson(standing);
    else print(`${worker} takes runs again.`);
    return 0;
  },
});
