import { rm } from 'node:fs/promises';
import { defineCommand, wrongUsage } from '../command.ts';
import { collect } from '../fleet/collect.ts';
import { runsOf } from '../fleet/operate.ts';
import { leftWorkspaces, type LeftWorkspace } from '../fleet/workspaces.ts';
import { formatAge, formatBytes, print, printJson, table } from '../output.ts';
import { processEnv } from '../../platform/environment.ts';
import { fleetPaths } from '../../platform/paths.ts';
import type { Collected } from '../../schemas/operator.ts';

export const gc = defineCommand({
  name: 'gc',
  usage: '[OPTIONS]',
  about:
    'Forgets runs that ended longer ago than `output.keep_ms`, and more while the outputs take more than\n' +
    '`output.quota_bytes`, with their handles and manifests, and frees what no run refers to any more; a\n' +
    'coordinator does the same every ten minutes. Deletes private copies of work trees that runs have left:\n' +
    'those of ended runs whose changes are all in their diff. A copy that holds more than its diff is only\n' +
    'deleted by --force, one of a run that goes on or can go on never.',
  examples: ['codex-fleet gc --dry-run', 'codex-fleet gc', 'codex-fleet gc --force'],
  options: {
    'dry-run': { type: 'boolean', short: 'n', about: 'Only say what would be deleted' },
    force: { type: 'boolean', about: 'Delete also what no diff holds' },
  },
  run: async ({ values, positionals, json }) => {
    if (positionals.length > 0) throw wrongUsage('gc', 'It takes options only');
    const isDry = values['dry-run'] === true;
    const paths = fleetPaths(processEnv);
    const left = await leftWorkspaces(paths, Date.now());
    const ended = left.filter(({ live }) => !live);
    const doomed = ended.filter(({ fetched }) => fetched || values.force === true);
    const kept = ended.filter((one) => !doomed.includes(one));
    if (!isDry)
      for (const { path } of doomed) await rm(path, { recursive: true, force: true, maxRetries: 3 });
    const live = left.length - ended.length;
    const collected = await collect(paths, isDry);
    if (json) {
      const copies = { deleted: doomed.map(shown), kept: kept.map(shown), live };
      printJson({ dry_run: isDry, ...copies, ...(collected !== undefined && { collected }) });
      return 0;
    }
    const bytes = doomed.reduce((sum, one) => sum + one.bytes, 0);
    if (ended.length > 0) print(rows(ended, doomed));
    print(`${isDry ? 'Would delete' : 'Deleted'} ${copies(doomed.length)}, ${formatBytes(bytes)}.`);
    if (kept.length > 0)
      print(`${copies(kept.length)} with work that is in no diff: look there, then --force.`);
    if (live > 0) print(`${copies(live)} of runs that are not over: left alone.`);
    if (collected !== undefined) print(told(collected, isDry));
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

function told({ runs, handles, bytes, kept, owed, freed }: Collected, isDry: boolean): string {
  const would = isDry ? 'Would forget' : 'Forgot';
  const lines = [
    `${would} ${runsOf(runs)} with ${counted(handles, 'handle')} of ${formatBytes(bytes)}.`,
    `${isDry ? 'Would free' : 'Freed'} ${counted(freed.files, 'stored content')}, ${formatBytes(freed.bytes)}.`,
  ];
  if (kept > 0)
    lines.push(`${runsOf(kept)} past their time: others wait for them, or a copy has their work.`);
  if (owed > 0) lines.push(`${runsOf(owed)} on workers that are away: deleted there when they are back.`);
  return lines.join('\n');
}

function counted(count: number, what: string): string {
  return `${String(count)} ${what}${count === 1 ? '' : 's'}`;
}

function copies(count: number): string {
  return `${String(count)} ${count === 1 ? 'copy' : 'copies'}`;
}

/** As JSON shows it: whether its run is over is said by where it stands. */
function shown(one: LeftWorkspace): Omit<LeftWorkspace, 'live'> {
  const { run_id, worker_id, path, bytes, age_ms, fetched } = one;
  return { run_id, worker_id, path, bytes, age_ms, fetched };
}
