import type { Placement } from '../schemas/manifest.ts';
import type { EngineName, Pipeline } from '../schemas/pipeline.ts';
import type { RunSpec } from '../schemas/run.ts';
import { stagesOf } from './spec.ts';

/** What a run asks of the worker it is placed on. */
export interface Need {
  pipeline: string;
  engines: readonly EngineName[];
  /** The one worker that holds the thread to go on with. */
  worker_id: string | undefined;
  /** The recipe is the project's own: only workers of this machine read the same one. */
  in_project: boolean;
  /** The work tree it must have to itself. */
  tree?: string | undefined;
}

/** A worker as a placement sees it. */
export interface Candidate {
  worker_id: string;
  state: 'up' | 'starting' | 'down' | 'draining';
  slots: number;
  /** Slots in use, whoever uses them. */
  busy: number;
  /** Available ones; empty while the worker was never reached. */
  engines: ReadonlySet<EngineName>;
  pipelines: ReadonlySet<string>;
  /** Runs on this machine, with this configuration. */
  local: boolean;
  /** It has been reached, and has tried every engine: what it lacks now it will lack later. */
  settled: boolean;
  /** It goes on with the threads it holds, and takes nothing else. */
  retired: boolean;
}

/** Chooses a worker for a run; undefined where none can take it now. Pure: no clock, no memory. */
export interface Policy {
  readonly name: string;
  place(need: Need, workers: readonly Candidate[]): Placement | undefined;
}

const runnersUpShown = 3;

type Pipelines = Readonly<Record<string, Pipeline>>;

export interface Recipes {
  /** What the configuration has everywhere. */
  configured: Pipelines;
  /** What there is in the run's folder. */
  here: Pipelines;
}

export function needOf(spec: RunSpec, { configured, here }: Recipes, workerId: string | undefined): Need {
  const pipeline = Object.hasOwn(here, spec.pipeline) ? here[spec.pipeline] : undefined;
  const stages = pipeline === undefined ? [] : stagesOf(pipeline, spec.stages);
  const engines = [...new Set(stages.map((stage) => stage.engine))];
  const inProject = pipeline !== undefined && !Object.hasOwn(configured, spec.pipeline);
  return { pipeline: spec.pipeline, engines, worker_id: workerId, in_project: inProject };
}

/** Equal for runs that every worker takes or refuses alike. */
export function needKey(need: Need): string {
  return JSON.stringify([need.pipeline, need.engines, need.worker_id, need.in_project, need.tree]);
}

/** Why a worker cannot take a run now; undefined where it can. */
export function refusal(need: Need, worker: Candidate): string | undefined {
  if (need.worker_id !== undefined && need.worker_id !== worker.worker_id) return 'thread is elsewhere';
  if (worker.state !== 'up') return worker.state;
  if (worker.retired && need.worker_id === undefined) return 'draining';
  return unable(need, worker) ?? (worker.busy >= worker.slots ? 'no free slot' : undefined);
}

/** Why a worker could not take a run however idle it were. */
function unable(need: Need, worker: Candidate): string | undefined {
  if (need.in_project ? !worker.local : !worker.pipelines.has(need.pipeline)) return 'pipeline unknown';
  const missing = need.engines.find((engine) => !serves(worker, engine));
  return missing === undefined ? undefined : `no ${missing}`;
}

/** codex-exec stands in where the app-server of a Codex does not fit. */
function serves(worker: Candidate, engine: EngineName): boolean {
  return worker.engines.has(engine) || (engine === 'codex' && worker.engines.has('codex-exec'));
}

/** Every worker is known, and none could ever take the run: waiting does not help. */
export function isHopeless(need: Need, workers: readonly Candidate[]): boolean {
  return (
    workers.length > 0 && workers.every((worker) => worker.settled && unable(need, worker) !== undefined)
  );
}

/** In what ways the workers fall short of a run. */
export function unableReasons(need: Need, workers: readonly Candidate[]): string[] {
  return [...new Set(workers.map((worker) => unable(need, worker) ?? 'able'))];
}

/**
 * The best of the workers that can take the run, by `compare`, with the next three and how many were
 * left out for which reason.
 */
export function placeBest(
  need: Need,
  workers: readonly Candidate[],
  by: { policy: string; compare(a: Candidate, b: Candidate): number; why(worker: Candidate): string },
): Placement | undefined {
  const rejected: Record<string, number> = {};
  const fit: Candidate[] = [];
  for (const worker of workers) {
    const reason = refusal(need, worker);
    if (reason === undefined) fit.push(worker);
    else rejected[reason] = (rejected[reason] ?? 0) + 1;
  }
  const [best, ...others] = fit.toSorted((a, b) => by.compare(a, b) || compareText(a.worker_id, b.worker_id));
  if (best === undefined) return undefined;
  const next = others
    .slice(0, runnersUpShown)
    .map((worker) => ({ worker_id: worker.worker_id, why: by.why(worker) }));
  if (others.length > next.length) rejected['ranked lower'] = others.length - next.length;
  return { worker_id: best.worker_id, policy: by.policy, why: by.why(best), next, rejected };
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : Number(a > b);
}
