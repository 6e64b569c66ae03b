import { defineCommand, wrongUsage } from '../command.ts';
import type { DownHow } from '../fleet/down-mark.ts';
import { takeDown } from '../fleet/take-down.ts';
import { print, printJson } from '../output.ts';
import { processEnv } from '../../platform/environment.ts';
import { fleetPaths } from '../../platform/paths.ts';

export const down = defineCommand({
  name: 'down',
  usage: '[OPTIONS]',
  about:
    'Stops the fleet. Runs that wait stay queued, and running ones are interrupted so that they can go on\n' +
    'when it is up again. Works also where the coordinator has died and its workers live.',
  examples: ['codex-fleet down', 'codex-fleet down --drain', 'codex-fleet down --cancel'],
  options: {
    cancel: { type: 'boolean', about: 'Cancel every run first' },
    drain: { type: 'boolean', about: 'Start nothing new and wait for what runs' },
  },
  run: async ({ values, json }) => {
    if (values.cancel === true && values.drain === true)
      throw wrongUsage('down', '--cancel or --drain, not both');
    const how: DownHow = values.cancel === true ? 'cancel' : values.drain === true ? 'drain' : 'keep';
    const { ended, forced } = await takeDown(fleetPaths(processEnv), how);
    if (json)
      printJson({
        ended: ended.map(({ name, pid }) => ({ name, pid })),
        forced: forced.map(({ name }) => name),
      });
    else
      print(
        ended.length === 0
          ? 'The fleet was not up.'
          : `The fleet is down; ${String(ended.length)} processes ended.`,
      );
    return 0;
  },
});
