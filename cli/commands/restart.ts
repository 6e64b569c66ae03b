import { defineCommand, wrongUsage } from '../command.ts';
import { connectFleet, withFleet, type Fleet } from '../fleet/connect.ts';
import { restartInTurn } from '../fleet/restart-in-turn.ts';
import { readInteger } from '../options.ts';
import { print, printJson } from '../output.ts';
import { FleetError } from '../../core/errors.ts';
import { loadConfig } from '../../platform/config.ts';
import { processEnv } from '../../platform/environment.ts';
import { fleetPaths } from '../../platform/paths.ts';

const defaultInterruptAfterS = 60;

export const restart = defineCommand({
  name: 'restart',
  usage: '[OPTIONS] [WORKER… | --all]',
  about:
    'Restarts local workers one after the other, so that they read the configuration and the program anew.\n' +
    'Each is drained and finishes what it has. Conversations that take longer than --interrupt-after are\n' +
    'stopped at their turn boundary and go on in the new process; commands are always waited for, and a\n' +
    'paused command keeps its worker from being restarted. Nothing is lost, also by Ctrl-C.',
  examples: ['codex-fleet restart', 'codex-fleet restart local-1 --interrupt-after 0'],
  options: {
    all: { type: 'boolean', about: 'Every local worker; so it is where none is named' },
    'interrupt-after': {
      type: 'string',
      value: 'S',
      about: `Seconds a conversation may take to end; default ${String(defaultInterruptAfterS)}`,
    },
    timeout: {
      type: 'string',
      value: 'S',
      about: 'Give up on a worker after so many seconds; default never',
    },
  },
  run: async ({ values, positionals, json }) => {
    if (values.all === true && positionals.length > 0)
      throw wrongUsage('restart', 'Workers or --all, not both');
    const seconds = { min: 0, max: 86_400 };
    const interruptAfterS =
      readInteger('restart', 'interrupt-after', values['interrupt-after'], seconds) ?? defaultInterruptAfterS;
    const timeoutS = readInteger('restart', 'timeout', values.timeout, seconds);
    const paths = fleetPaths(processEnv);
    const remote = Object.keys(loadConfig(paths.configFile).remote_workers);
    const stopping = new AbortController();
    process.once('SIGINT', () => stopping.abort());
    const results = await withFleet(connectFleet(paths), async (fleet) => {
      const workers = positionals.length > 0 ? positionals : await localWorkers(fleet, remote);
      return restartInTurn(fleet, workers, {
        interruptAfterMs: interruptAfterS * 1_000,
        timeoutMs: timeoutS === undefined ? Infinity : timeoutS * 1_000,
        signal: stopping.signal,
        say: json ? () => undefined : print,
      });
    });
    if (json) printJson({ workers: results });
    if (stopping.signal.aborted) return 130;
    return results.every(({ restarted }) => restarted) ? 0 : 1;
  },
});

async function localWorkers(fleet: Fleet, remote: readonly string[]): Promise<string[]> {
  const { workers } = await fleet.call('list_workers', {});
  const local = workers.map((worker) => worker.worker_id).filter((id) => !remote.includes(id));
  if (local.length > 0) return local;
  throw new FleetError('NOT_FOUND', 'The fleet has no local workers.');
}
