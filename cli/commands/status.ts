import { defineCommand } from '../command.ts';
import { connectWhereUp, withFleet, type Fleet } from '../fleet/connect.ts';
import { coordinatorLog } from '../fleet/coordinator-log.ts';
import { readUrl } from '../fleet/mount.ts';
import { recordedProcesses } from '../fleet/process-record.ts';
import { print, printJson, table } from '../output.ts';
import { processEnv } from '../../platform/environment.ts';
import { fleetPaths, type FleetPaths } from '../../platform/paths.ts';

export const status = defineCommand({
  name: 'status',
  usage: '[OPTIONS]',
  about:
    'Shows whether the fleet is up, its workers and what they miss, and where the log is. Exit code 1 when\n' +
    'it is down.',
  examples: ['codex-fleet status', 'codex-fleet status --json'],
  options: {},
  run: async ({ json }) => {
    const paths = fleetPaths(processEnv);
    const fleet = await connectWhereUp(paths);
    if (fleet === undefined) return showDown(paths, json);
    await withFleet(Promise.resolve(fleet), () => showUp(paths, fleet, json));
    return 0;
  },
});

function showDown(paths: FleetPaths, json: boolean): number {
  const left = recordedProcesses(paths).filter(({ running }) => running);
  const log = coordinatorLog(paths);
  if (json) printJson({ up: false, state_dir: paths.stateDir, log, processes: left });
  else {
    print('The fleet is down. `codex-fleet up` starts it.');
    print(`State: ${paths.stateDir}`);
    print(`Log: ${log}`);
    for (const { name, pid } of left)
      print(`Still running: ${name} (pid ${String(pid)}); \`codex-fleet down\` ends it.`);
  }
  return 1;
}

async function showUp(paths: FleetPaths, fleet: Fleet, json: boolean): Promise<void> {
  const { workers, pipelines, queued } = await fleet.call('list_workers', {});
  const url = readUrl(paths);
  const processes = recordedProcesses(paths).filter(({ running }) => running);
  const { version } = fleet.server;
  const log = coordinatorLog(paths);
  if (json) {
    printJson({
      up: true,
      version,
      url,
      state_dir: paths.stateDir,
      log,
      workers,
      pipelines,
      queued,
      processes,
    });
    return;
  }
  const pids = new Map(processes.map(({ name, pid }) => [name, String(pid)]));
  print(`The fleet is up: codex-fleet ${version}, coordinator pid ${pids.get('coordinator') ?? 'unknown'}.`);
  print(`Queued: ${String(queued)} · pipelines: ${pipelines.join(', ')}`);
  if (url !== undefined) print(`URL: ${url} (secret in ${paths.secretFile})`);
  print(`State: ${paths.stateDir}`);
  print(`Log: ${log}\n`);
  const rows = workers.map(({ worker_id, state, busy, slots, reaping, engines }) => [
    worker_id,
    state,
    `${String(busy)}/${String(slots)}`,
    pids.get(worker_id) ?? '',
    reaping ?? '',
    engines.join(', '),
  ]);
  print(table(['worker', 'state', 'busy', 'pid', 'reaping', 'engines'], rows));
  for (const missing of new Set(workers.flatMap((worker) => worker.missing))) print(`Missing: ${missing}`);
}
