import { randomUUID } from 'node:crypto';
import { resolve } from 'node:path';
import { defineCommand, wrongUsage } from '../command.ts';
import { connectFleet, ensureFleet, withFleet } from '../fleet/connect.ts';
import { followRuns } from '../fleet/follow.ts';
import { showProgress } from '../fleet/progress.ts';
import { runReport } from '../fleet/show-runs.ts';
import { readInteger } from '../options.ts';
import { print, printJson } from '../output.ts';
import { processEnv, readDepth } from '../../platform/environment.ts';
import { fleetPaths, type FleetPaths } from '../../platform/paths.ts';
import { onShutdown } from '../../platform/shutdown.ts';
import type { RunSnapshot } from '../../schemas/run.ts';
import { fleetContracts } from '../../schemas/tools.ts';

const { effort: efforts, workspace: workspaces } = fleetContracts.start_run.input.shape;

export const run = defineCommand({
  name: 'run',
  usage: '[OPTIONS] [PROMPT]',
  about:
    'Starts a run and follows it: a prompt for Codex, or another pipeline. Starts the fleet where it is not\n' +
    'up. Ctrl-C cancels. Exit code 1 unless every run completed.',
  examples: [
    'codex-fleet run "Fix the failing login test"',
    'codex-fleet run --pipeline diagnostics',
    'codex-fleet run --pipeline diagnostics --stages history,files --each',
    'codex-fleet run --task fix-login --detach "Fix the failing login test"',
  ],
  options: {
    pipeline: { type: 'string', short: 'p', value: 'NAME', about: 'What to run; default codex' },
    stages: { type: 'string', value: 'A,B,…', about: 'Only these stages of the pipeline' },
    each: { type: 'boolean', about: 'One run for each of --stages, side by side' },
    input: {
      type: 'string',
      short: 'i',
      multiple: true,
      value: 'KEY=VALUE',
      about: "One of the pipeline's inputs",
    },
    cwd: { type: 'string', short: 'C', value: 'FOLDER', about: 'Where to work; default: this folder' },
    task: { type: 'string', short: 't', value: 'NAME', about: 'The task the run belongs to' },
    label: { type: 'string', value: 'TEXT', about: 'Your name for the run' },
    model: { type: 'string', short: 'm', value: 'NAME', about: 'Model, where the engine has a choice' },
    effort: { type: 'string', value: 'LEVEL', about: 'Reasoning effort: minimal, low, medium, high, xhigh' },
    workspace: { type: 'string', value: 'clone|none', about: 'Work in a private clone, or in place' },
    'shared-workspace': { type: 'boolean', about: 'In place, beside other runs' },
    wall: { type: 'string', value: 'SECONDS', about: 'End the run after this long' },
    detach: { type: 'boolean', short: 'd', about: 'Do not follow: print the ids and leave' },
  },
  run: async ({ values, positionals, json }) => {
    const effort = efforts.safeParse(values.effort);
    if (!effort.success) throw wrongUsage('run', '--effort is minimal, low, medium, high or xhigh');
    const workspace = workspaces.safeParse(values.workspace);
    if (!workspace.success) throw wrongUsage('run', '--workspace is clone or none');
    const wallMs = readInteger('run', 'wall', values.wall, { min: 1, max: 604_800, unit: 1000 });
    const stages = values.stages?.split(',').filter((stage) => stage !== '');
    if (values.each === true && stages === undefined) throw wrongUsage('run', '--each goes with --stages');
    const prompt = positionals.join(' ');
    const request = {
      cwd: resolve(values.cwd ?? '.'),
      ...(values.pipeline === undefined ? {} : { pipeline: values.pipeline }),
      ...(prompt === '' ? {} : { prompt }),
      ...(values.task === undefined ? {} : { task_id: values.task }),
      ...(values.label === undefined ? {} : { label: values.label }),
      ...(values.model === undefined ? {} : { model: values.model }),
      ...(effort.data === undefined ? {} : { effort: effort.data }),
      ...(workspace.data === undefined ? {} : { workspace: workspace.data }),
      ...(values['shared-workspace'] === true ? { shared_workspace: true } : {}),
      ...(wallMs === undefined ? {} : { wall_ms: wallMs }),
      ...(values.input === undefined ? {} : { inputs: readInputs(values.input) }),
      ...(values.each === true
        ? { runs: (stages ?? []).map((stage) => ({ stages: [stage], label: stage })) }
        : stages === undefined
          ? {}
          : { stages }),
    };
    const paths = fleetPaths(processEnv);
    const started = await withFleet(ensureFleet(paths, processEnv), (fleet) =>
      fleet.call('start_run', request, {
        cwd: process.cwd(),
        callId: `cli-${randomUUID()}`,
        depth: readDepth(processEnv),
      }),
    );
    if (values.detach === true) {
      if (json) printJson(started);
      else
        for (const { run_id, status } of started.runs)
          print(`${run_id} · ${status} · task ${started.task_id}`);
      return 0;
    }
    return followToEnd(
      paths,
      started.runs.map(({ run_id }) => run_id),
      json,
    );
  },
});

async function followToEnd(paths: FleetPaths, runIds: string[], json: boolean): Promise<number> {
  const interrupted = new AbortController();
  const stopListening = onShutdown(() => interrupted.abort());
  const progress = showProgress(runIds.length);
  try {
    const runs = await followRuns(() => ensureFleet(paths, processEnv), {
      runIds,
      previewTokens: 400,
      signal: interrupted.signal,
      onChange: (snapshot) => progress.update(snapshot),
    });
    progress.end();
    if (json) printJson({ runs });
    else print(`\n${runReport(runs)}`);
    return runs.every(isCompleted) ? 0 : 1;
  } catch (error) {
    progress.end();
    if (!interrupted.signal.aborted) throw error;
    await cancelRuns(paths, runIds);
    process.stderr.write(
      'Cancelled. What the runs printed is kept: `codex-fleet poll RUN` names the handles.\n',
    );
    return 130;
  } finally {
    stopListening();
  }
}

function isCompleted(snapshot: RunSnapshot): boolean {
  return snapshot.status === 'completed';
}

async function cancelRuns(paths: FleetPaths, runIds: string[]): Promise<void> {
  await withFleet(connectFleet(paths), (fleet) => fleet.call('cancel_run', { run_ids: runIds }));
}

/** Numbers and booleans as such: a pipeline checks the types of its inputs. */
function readInputs(pairs: readonly string[]): Record<string, string | number | boolean> {
  return Object.fromEntries(
    pairs.map((pair) => {
      const at = pair.indexOf('=');
      if (at < 1) throw wrongUsage('run', `--input ${pair} is not KEY=VALUE`);
      return [pair.slice(0, at), readInputValue(pair.slice(at + 1))];
    }),
  );
}

function readInputValue(text: string): string | number | boolean {
  if (text === 'true' || text === 'false') return text === 'true';
  return /^-?\d+(\.\d+)?$/.test(text) ? Number(text) : text;
}
