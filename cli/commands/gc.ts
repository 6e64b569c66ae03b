import { rm } from 'node:fs/promises';
import { defineCommand, wrongUsage } from '../command.ts';
import { leftWorkspaces, type LeftWorkspace } from '../fleet/workspaces.ts';
import { formatAge, formatBytes, print, printJson, table } from '../output.ts';
import { processEnv } from '../../platform/environment.ts';
import { fleetPaths } from '../../platform/paths.ts';

export const gc = defineCommand({
  name: 'gc',
  usage: '[OPTIONS]',
  about:
    'Deletes private copies of work trees that runs have left: those of ended runs whose changes are all in\n' +
    'their diff. A copy that holds more than its diff is only deleted by --force, one of a run that goes on\n' +
    'or can go on never.',
  examples: ['codex-fleet gc --dry-run', 'codex-fleet gc', 'codex-fleet gc --force'],
  options: {
    'dry-run': { type: 'boolean', short: 'n', about: 'Only say what would be deleted' },
    force: { type: 'boolean', about: 'Delete also what no diff holds' },
  },
  run: async ({ values, positionals, json }) => {
    if (positionals.length > 0) throw wrongUsage('gc', 'It takes options only');
    const isDry = values['dry-run'] === true;
    const left = await leftWorkspaces(fleetPaths(processEnv), Date.now());
    const ended = left.filter(({ live }) => !live);
    const doomed = ended.filter(({ fetched }) => fetched || values.force === true);
    const kept = ended.filter((one) => !doomed.includes(one));
    if (!isDry)
      for (const { path } of doomed) await rm(path, { recursive: true, force: true, maxRetries: 3 });
    const live = left.length - ended.length;
    if (json) {
      printJson({ dry_run: isDry, deleted: doomed.map(shown), kept: kept.map(shown), live });
      return 0;
    }
    const bytes = doomed.reduce((sum, one) => sum + one.bytes, 0);
    if (ended.length > 0) print(rows(ended, doomed));
    print(`${isDry ? 'Would delete' : 'Deleted'} ${copies(doomed.length)}, ${formatBytes(bytes)}.`);
    if (kept.length > 0)
      print(`${copies(kept.length)} with work that is in no diff: look there, then --force.`);
    if (live > 0) print(`${copies(live)} of runs that are not over: left alone.`);
    return 0;
  },
});

function rows(ended: readonly LeftWorkspace[], doomed: readonly LeftWorkspace[]): string {
  const cells = ended.map((one) => [
    one.run_id,
    one.age_ms === undefined ? '–' : formatAge(one.age_ms),
    formatBytes(one.bytes),
    one.fetched ? 'in its diff' : 'not fetched',
    doomed.includes(one) ? 'delete' : 'keep',
    one.path,
  ]);
  return table(['RUN', 'AGE', 'SIZE', 'WORK', '', 'COPY'], cells, [1, 2]);
}

function copies(count: number): string {
  return `${String(count)} ${count === 1 ? 'copy' : 'copies'}`;
}

/** As JSON shows it: whether its run is over is said by where it stands. */
function shown(one: LeftWorkspace): Omit<LeftWorkspace, 'live'> {
  const { run_id, worker_id, path, bytes, age_ms, fetched } = one;
  return { run_id, worker_id, path, bytes, age_ms, fetched };
}
