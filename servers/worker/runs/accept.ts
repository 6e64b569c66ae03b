import { statSync } from 'node:fs';
import { FleetError } from '../../../core/errors.ts';
import { sameSpec } from '../../../core/same-spec.ts';
import { stagesOf } from '../../../core/spec.ts';
import type { RunSpec } from '../../../schemas/run.ts';
import type { Recipe } from './attempt.ts';
import type { LiveRun } from './live-run.ts';
import type { RunEntry, RunIndex } from './run-index.ts';
import type { Slots } from './slots.ts';
import { needsHome, type RunDeps } from './stage-session.ts';

export interface NewRun {
  entry: RunEntry;
  run: LiveRun;
}

export interface Accepted {
  entry: RunEntry;
  isNew: boolean;
}

export interface Acceptor {
  deps: RunDeps;
  index: RunIndex;
  slots: Slots;
  /** As it is written down. */
  specOf: (entry: RunEntry) => Promise<RunSpec>;
  make: (spec: RunSpec, recipe: Recipe) => NewRun;
  /** From here on the run is the worker's. */
  add: (entry: RunEntry) => void;
}

interface Checked {
  spec: RunSpec;
  recipe: Recipe;
}

/**
 * Accepts a batch whole or not at all; on return every run of it is on disk and under way. A request
 * key that is known already answers with its run. CONFLICT where that was asked for something else,
 * NO_CAPACITY where slots are missing, STORE_UNAVAILABLE where the disk refuses.
 */
export async function acceptRuns(
  acceptor: Acceptor,
  owner: string,
  specs: readonly RunSpec[],
): Promise<Accepted[]> {
  const leaders = leadersOf(specs);
  await acceptor.deps.privacy.ready();
  for (;;) {
    const known = await findKnown(acceptor, owner, leaders);
    const fresh = leaders.filter((spec) => !known.has(spec));
    const checked = await Promise.all(fresh.map((spec) => check(acceptor.deps, spec)));
    // While they were checked another call may have started a run of such a key: then that one counts.
    if (fresh.some((spec) => entryOfKey(acceptor, owner, spec) !== undefined)) continue;
    const added = begin(acceptor, checked);
    const all = new Map([...known, ...added]);
    return specs.flatMap((spec) => {
      const entry = all.get(leaders.find((leader) => stands(leader, spec)) ?? spec);
      return entry === undefined ? [] : [{ entry, isNew: [...added.values()].includes(entry) }];
    });
  }
}

/** The runs of a batch, those of one key once. CONFLICT where two of one key differ. */
function leadersOf(specs: readonly RunSpec[]): RunSpec[] {
  const leaders: RunSpec[] = [];
  for (const spec of specs) {
    const leader = leaders.find((other) => stands(other, spec));
    if (leader === undefined) leaders.push(spec);
    else if (!sameSpec(leader, spec)) {
      throw new FleetError(
        'CONFLICT',
        `Two runs of this call share request_key "${keyOf(spec)}" and differ.`,
      );
    }
  }
  return leaders;
}

function stands(leader: RunSpec, spec: RunSpec): boolean {
  return leader === spec || (spec.request_key !== undefined && leader.request_key === spec.request_key);
}

async function findKnown(
  acceptor: Acceptor,
  owner: string,
  specs: readonly RunSpec[],
): Promise<Map<RunSpec, RunEntry>> {
  const known = new Map<RunSpec, RunEntry>();
  for (const spec of specs) {
    const entry = entryOfKey(acceptor, owner, spec);
    if (entry === undefined) continue;
    const stored = acceptor.deps.privacy.ofRun(entry.run_id, spec.task_id).stored(spec);
    if (!sameSpec(await acceptor.specOf(entry), stored)) {
      throw new FleetError(
        'CONFLICT',
        `request_key "${keyOf(spec)}" is run ${entry.run_id}, which asks for something else.`,
      );
    }
    known.set(spec, entry);
  }
  return known;
}

function entryOfKey({ index }: Acceptor, owner: string, spec: RunSpec): RunEntry | undefined {
  return spec.request_key === undefined ? undefined : index.byKey(spec.request_key, owner);
}

function keyOf(spec: RunSpec): string {
  return spec.request_key ?? '';
}

/** Everything that can be known before a slot is taken: the folder is there, and every stage is allowed and can be served. */
async function check(deps: RunDeps, spec: RunSpec): Promise<Checked> {
  const recipe = recipeOf(deps, spec);
  if (recipe === undefined) throw new FleetError('INVALID_INPUT', `There is no pipeline "${spec.pipeline}".`);
  if (!isFolder(spec.cwd)) {
    throw new FleetError('CWD_NOT_ALLOWED', `"cwd" ${spec.cwd} is no folder on this machine.`, {
      next: 'Name a folder that exists.',
    });
  }
  const { pipeline, stages, config } = recipe;
  for (const stage of stages) await deps.engines[stage.engine].check(stage, pipeline, spec, config);
  await deps.sandbox.check({ ...recipe, cwd: spec.cwd });
  await deps.limits.check({ ...recipe, spec });
  return { spec, recipe };
}

function isFolder(path: string): boolean {
  try {
    return statSync(path).isDirectory();
  } catch {
    return false;
  }
}

/** What a run executes where it works, as of now; undefined where there is no such pipeline. */
export function recipeOf({ places }: RunDeps, spec: RunSpec): Recipe | undefined {
  const config = places.configIn(spec.cwd);
  if (!Object.hasOwn(config.pipelines, spec.pipeline)) return undefined;
  const pipeline = config.pipelines[spec.pipeline];
  return pipeline && { pipeline, stages: stagesOf(pipeline, spec.stages), config };
}

/** Nothing comes between: slots, records and runs are taken in one turn of the event loop. */
function begin(acceptor: Acceptor, checked: readonly Checked[]): Map<RunSpec, RunEntry> {
  acceptor.slots.take(checked.length);
  const runs = checked.map(({ spec, recipe }) => ({ ...acceptor.make(spec, recipe), recipe }));
  const { files } = acceptor.deps;
  try {
    for (const { run, recipe } of runs) {
      files.prepare(run.run_id, { home: needsHome(recipe.stages) });
      files.write(run.record());
    }
  } catch (error) {
    acceptor.slots.release(checked.length);
    for (const { run } of runs) files.remove(run.run_id);
    throw error;
  }
  for (const { entry } of runs) acceptor.add(entry);
  for (const { run } of runs) run.begin();
  return new Map(runs.map(({ run, entry }) => [run.spec, entry]));
}
