import { setTimeout as delay } from 'node:timers/promises';
import { defineCommand, wrongUsage } from '../command.ts';
import { connectFleet, withFleet, type Fleet } from '../fleet/connect.ts';
import { drainWorker, runsOf, type Drained } from '../fleet/operate.ts';
import { print, printJson } from '../output.ts';
import { processEnv } from '../../platform/environment.ts';
import { fleetPaths } from '../../platform/paths.ts';

const lookEveryMs = 250;

export const drain = defineCommand({
  name: 'drain',
  usage: '[OPTIONS] WORKER',
  about:
    'The worker finishes what it has and takes nothing new, also after a restart of the fleet, until\n' +
    '`codex-fleet undrain`. Runs that wait are placed on the others.',
  examples: ['codex-fleet drain local-1', 'codex-fleet drain local-1 --wait'],
  options: {
    wait: {
      type: 'boolean',
      about: 'Return once nothing runs there any more; paused runs are not waited for',
    },
  },
  run: async ({ values, positionals, json }) => {
    const [worker, ...more] = positionals;
    if (worker === undefined || more.length > 0) throw wrongUsage('drain', 'Name one worker');
    const drained = await withFleet(connectFleet(fleetPaths(processEnv)), (fleet) =>
      values.wait === true ? drainAndWait(fleet, worker) : drainWorker(fleet, worker, true),
    );
    if (json) printJson(drained);
    else print(describe(drained));
    return 0;
  },
});

async function drainAndWait(fleet: Fleet, worker: string): Promise<Drained> {
  for (;;) {
    const drained = await drainWorker(fleet, worker, true);
    if (drained.open === drained.resting) return drained;
    await delay(lookEveryMs);
  }
}

function describe({ worker_id: worker, open, resting }: Drained): string {
  const working = open - resting;
  const rest = resting === 0 ? '' : ` ${runsOf(resting)} paused there: resume or cancel what is to end.`;
  if (working > 0) return `${worker} takes nothing new; it finishes ${runsOf(working)}.${rest}`;
  return `${worker} is drained: nothing runs there.${rest}`;
}
