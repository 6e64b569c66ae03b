import type { z } from 'zod';
import { runLimits, type RunLimits } from '../schemas/limits.ts';
import type { Pipeline, Stage } from '../schemas/pipeline.ts';
import type { RunRequest, RunSpec } from '../schemas/run.ts';
import type { runContracts } from '../schemas/tools.ts';
import { parseArtifactPattern } from './artifact-pattern.ts';
import { FleetError } from './errors.ts';
import { defaultWorkspace } from './workspace.ts';

export type StartRunInput = z.output<typeof runContracts.start_run.input>;

/** A folder a run names, as it is without symbolic links, and the recipes there are in it. */
export interface Folder {
  cwd: string;
  pipelines: Readonly<Record<string, Pipeline>>;
  /** Whether it lies in a Git work tree that can be cloned. */
  inRepository?: boolean;
}

export interface Acceptance {
  /** Of an absolute path a call names. */
  folder: (asked: string) => Folder;
  /** How deep the caller stands among runs that start runs, and from where on that is too deep. */
  depth: { caller: number; max: number };
  defaults: {
    /** The folder the caller works in; undefined where that is not known. */
    cwd: string | undefined;
    /** The caller's own id of this call: the request key where none was given. */
    callId: string | undefined;
  };
  /** Gives the same id for the same key, so that a repeated call asks for the same run. */
  newTaskId: (key: string | undefined) => string;
  /** One for the runs of a call; where missing, calls make no groups. */
  newGroupId?: (key: string | undefined) => string;
}

type InputDeclaration = Pipeline['inputs'][string];
type InputValue = RunSpec['inputs'][string];

const defaultPipeline = 'codex';

/**
 * The runs a call asks for, every default filled in. Fields of `runs[]` win over the call's own;
 * `inputs` are joined by name. INVALID_INPUT names the field; TOO_DEEP where the caller is a run that
 * may start none.
 */
export function acceptRequests(input: StartRunInput, acceptance: Acceptance): RunSpec[] {
  checkDepth(acceptance.depth);
  const { runs, ...shared } = input;
  const key = input.request_key ?? callKey(acceptance.defaults.callId);
  const taskId = input.task_id ?? acceptance.newTaskId(key ?? runs?.[0]?.request_key);
  if (runs === undefined) return [accept({ ...shared, task_id: taskId, request_key: key }, '', acceptance)];
  const group = acceptance.newGroupId?.(key);
  return runs.map((run, at) => {
    const request = {
      ...shared,
      ...run,
      group,
      task_id: taskId,
      request_key: run.request_key ?? (key === undefined ? undefined : `${key}#${String(at)}`),
      inputs: { ...shared.inputs, ...run.inputs },
    };
    return accept(request, entry(at), acceptance);
  });
}

/** The absolute folders a call names, each once. INVALID_INPUT where one is missing or relative. */
export function foldersOf({ cwd, runs }: StartRunInput, callerCwd: string | undefined): Set<string> {
  const asked = runs?.map((run) => run.cwd ?? cwd) ?? [cwd];
  return new Set(
    asked.map((folder, at) => checkCwd(folder ?? callerCwd, runs === undefined ? '' : entry(at))),
  );
}

function checkDepth({ caller, max }: Acceptance['depth']): void {
  if (caller < max) return;
  const whose = caller === 1 ? 'a run' : `a run ${String(caller)} deep`;
  throw new FleetError(
    'TOO_DEEP',
    `This call comes from ${whose}, and "max_depth" is ${String(max)}: it may start none.`,
    {
      next: 'Do the work in this run, or raise "max_depth" in the configuration.',
    },
  );
}

/** Where the fields of one of `runs[]` are in the call. */
function entry(at: number): string {
  return `runs[${String(at)}].`;
}

/** Kept apart from the keys callers choose themselves. */
function callKey(callId: string | undefined): string | undefined {
  return callId === undefined ? undefined : `call:${callId}`;
}

type Request = Omit<StartRunInput, 'runs' | 'task_id' | 'request_key' | keyof RunRequest> &
  Omit<RunRequest, 'request_key'> & {
    task_id: string;
    request_key: string | undefined;
    group?: string | undefined;
  };

/** `where` is the path to the request's fields in the call, for messages. */
function accept(request: Request, where: string, acceptance: Acceptance): RunSpec {
  const name = request.pipeline ?? defaultPipeline;
  const {
    cwd,
    pipelines,
    inRepository = false,
  } = acceptance.folder(checkCwd(request.cwd ?? acceptance.defaults.cwd, where));
  const pipeline = ownValue(pipelines, name);
  if (pipeline === undefined) {
    const known = Object.keys(pipelines).join(', ');
    throw invalid(`${where}pipeline`, `names no pipeline "${name}"; there are ${known}`);
  }
  const stages = chooseStages(pipeline, request.stages, where);
  if (request.prompt === undefined && stages.some(needsPrompt)) {
    throw invalid(`${where}prompt`, `is missing; pipeline "${name}" needs one`);
  }
  if (request.workspace === 'clone' && !inRepository) throw notInRepository(`${where}workspace`, cwd);
  const workspace = request.workspace ?? defaultWorkspace(pipeline, stages, inRepository);
  for (const artifact of request.artifacts ?? []) {
    const parsed = parseArtifactPattern(artifact);
    if (!parsed.ok) throw invalid(`${where}artifacts`, `${JSON.stringify(artifact)} ${parsed.error}`);
  }
  const { artifacts } = request;
  const { prompt, label, request_key, model, effort, output_schema, wall_ms, output_bytes, stall_ms } =
    request;
  const { max_tokens, max_turns, after, group, on_failure, task_budget } = request;
  const { idempotent, max_attempts, retry_on_exit, priority, labels = [] } = request;
  return {
    pipeline: name,
    task_id: request.task_id,
    cwd,
    inputs: checkInputs(pipeline.inputs, request.inputs ?? {}, where),
    ask: request.ask ?? false,
    depth: acceptance.depth.caller,
    ...(prompt !== undefined && { prompt }),
    ...(request.stages !== undefined && { stages: stages.map((stage) => stage.name) }),
    ...(label !== undefined && { label }),
    ...(request_key !== undefined && { request_key }),
    ...(model !== undefined && { model }),
    ...(effort !== undefined && { effort }),
    ...(output_schema !== undefined && { output_schema }),
    ...(artifacts !== undefined && artifacts.length > 0 && { artifacts }),
    ...((workspace === 'clone' || request.workspace !== undefined) && { workspace }),
    ...(request.shared_workspace === true && { shared_workspace: true }),
    ...(wall_ms !== undefined && { wall_ms }),
    ...(output_bytes !== undefined && { output_bytes }),
    ...(request.limits !== undefined && { limits: checkLimits(request.limits, where) }),
    ...(stall_ms !== undefined && { stall_ms }),
    ...(priority !== undefined && { priority }),
    ...(labels.length > 0 && { labels: [...new Set(labels)].toSorted() }),
    ...(idempotent !== undefined && { idempotent }),
    ...(max_attempts !== undefined && { max_attempts }),
    ...(retry_on_exit !== undefined && { retry_on_exit }),
    ...(max_tokens !== undefined && { max_tokens }),
    ...(max_turns !== undefined && { max_turns }),
    ...(after !== undefined && after.length > 0 && { after }),
    ...(group !== undefined && { group }),
    ...(on_failure !== undefined && { on_failure }),
    ...(task_budget !== undefined && { task_budget }),
  };
}

function checkLimits(limits: RunLimits, where: string): RunLimits {
  const parsed = runLimits.safeParse(limits);
  if (parsed.success) return limits;
  const [problem] = parsed.error.issues;
  const path = ['limits', ...(problem?.path ?? [])].join('.');
  throw invalid(`${where}${path}`, `is out of range: ${problem?.message ?? 'unknown'}`);
}

/** The stages a run goes through: all, or those it names, in the pipeline's order. */
export function stagesOf(pipeline: Pipeline, names: readonly string[] | undefined): Stage[] {
  return names === undefined
    ? pipeline.stages
    : pipeline.stages.filter((stage) => names.includes(stage.name));
}

function chooseStages(pipeline: Pipeline, names: readonly string[] | undefined, where: string): Stage[] {
  const known = pipeline.stages.map((stage) => stage.name);
  const unknown = names?.find((name) => !known.includes(name));
  if (unknown !== undefined)
    throw invalid(`${where}stages`, `names no stage "${unknown}"; there are ${known.join(', ')}`);
  return stagesOf(pipeline, names);
}

function needsPrompt(stage: Stage): boolean {
  return stage.engine !== 'command' && stage.prompt.includes('${prompt}');
}

function checkCwd(cwd: string | undefined, where: string): string {
  if (cwd === undefined) throw invalid(`${where}cwd`, 'is missing; name the absolute folder to work in');
  if (!cwd.startsWith('/') || cwd.includes('\0')) throw invalid(`${where}cwd`, 'must be an absolute path');
  return cwd;
}

export function checkInputs(
  declared: Readonly<Record<string, InputDeclaration>>,
  given: Readonly<Record<string, InputValue>>,
  where: string,
): Record<string, InputValue> {
  for (const name of Object.keys(given)) {
    if (ownValue(declared, name) !== undefined) continue;
    const known = Object.keys(declared).join(', ') || 'none';
    throw invalid(`${where}inputs.${name}`, `is not an input of the pipeline; there are ${known}`);
  }
  const values: Record<string, InputValue> = {};
  for (const [name, declaration] of Object.entries(declared)) {
    const field = `${where}inputs.${name}`;
    const value = ownValue(given, name) ?? declaration.default;
    if (value !== undefined) values[name] = checkInput(declaration, value, field);
    else if (declaration.required) throw invalid(field, 'is missing');
  }
  return values;
}

function checkInput(declaration: InputDeclaration, value: InputValue, field: string): InputValue {
  if (typeof value !== declaration.type) throw invalid(field, `must be a ${declaration.type}`);
  if (typeof value === 'string' && value.length > declaration.max_length) {
    throw invalid(field, `must have at most ${String(declaration.max_length)} characters`);
  }
  if (declaration.enum !== undefined && !declaration.enum.includes(value)) {
    throw invalid(field, `must be one of ${declaration.enum.map(String).join(', ')}`);
  }
  return value;
}

/** Not what an object inherits: `constructor` is no pipeline. */
function ownValue<T>(record: Readonly<Record<string, T>>, name: string): T | undefined {
  return Object.hasOwn(record, name) ? record[name] : undefined;
}

function notInRepository(field: string, cwd: string): FleetError {
  return new FleetError('INVALID_INPUT', `"${field}" is "clone", and ${cwd} is in no Git repository.`, {
    next: 'Run `git init` there, or ask for workspace "none" to work in place.',
  });
}

function invalid(field: string, complaint: string): FleetError {
  return new FleetError('INVALID_INPUT', `"${field}" ${complaint}.`);
}
