import type { Config } from '../schemas/config.ts';
import type { DescriptorClaims } from '../schemas/descriptor.ts';
import type { Placement } from '../schemas/manifest.ts';
import type { EngineName, Pipeline } from '../schemas/pipeline.ts';
import type { RunSpec } from '../schemas/run.ts';
import type { Pace } from './pace.ts';
import { stagesOf } from './spec.ts';
import { keepsTo, scopeAsked, type AskedScope } from './trust/scope.ts';

/** What a run asks of the worker it is placed on. */
export interface Need {
  pipeline: string;
  engines: readonly EngineName[];
  /** The one worker that holds the thread to go on with. */
  worker_id: string | undefined;
  /** The recipe is the project's own: only workers of this machine read the same one. */
  in_project: boolean;
  /** Labels a worker must have. */
  labels: readonly string[];
  /** The work tree it must have to itself. */
  tree?: string | undefined;
  /** The model it asked for by name. */
  model?: string | undefined;
  /** Workers that have failed it. */
  avoid?: readonly string[];
  /** What a worker elsewhere has to keep its commands to. */
  scope?: AskedScope | undefined;
}

/** A worker as a placement sees it. */
export interface Candidate {
  readonly worker_id: string;
  state: 'up' | 'starting' | 'down' | 'draining';
  /** Those to use, fewer than it has while its host is hard-pressed. */
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
  labels: ReadonlySet<string>;
  /** What it has signed, where it is elsewhere. */
  signed?: Pick<DescriptorClaims, 'scope' | 'sandbox'> | undefined;
  readonly pace: Readonly<Pace>;
  /** By what runs likely take longer there for now: 1 unless its host is hard-pressed. */
  slowdown: number;
}

/** What a policy may go by besides what a run needs. */
export interface RunToPlace {
  cwd: string;
  /** How long it will likely take, ms; undefined where nothing is known. */
  estimate_ms: number | undefined;
  /** How many runs were placed before it. */
  turn: number;
}

/** The workers for one need. */
export interface Pool {
  need: Need;
  /** Those that take such runs while they have a free slot. */
  able: readonly Candidate[];
  /** How many others there are, by what keeps them from it. */
  rejected: Readonly<Record<string, number>>;
}

/** Chooses a worker of a pool; undefined where none has a free slot. Pure: no clock, no memory. */
export interface Policy {
  readonly name: string;
  place(pool: Pool, run: RunToPlace): Placement | undefined;
}

const runnersUpShown = 3;

type Pipelines = Readonly<Record<string, Pipeline>>;

export interface Recipes {
  config: Pick<Config, 'sandbox' | 'limits'>;
  /** What the configuration has everywhere. */
  configured: Pipelines;
  /** What there is in the run's folder. */
  here: Pipelines;
}

export function needOf(
  spec: RunSpec,
  { config, configured, here }: Recipes,
  workerId: string | undefined,
): Need {
  const pipeline = Object.hasOwn(here, spec.pipeline) ? here[spec.pipeline] : undefined;
  const stages = pipeline === undefined ? [] : stagesOf(pipeline, spec.stages);
  const engines = [...new Set(stages.map((stage) => stage.engine))];
  const inProject = pipeline !== undefined && !Object.hasOwn(configured, spec.pipeline);
  return {
    pipeline: spec.pipeline,
    engines,
    worker_id: workerId,
    in_project: inProject,
    labels: spec.labels ?? [],
    model: spec.model,
    scope: scopeAsked(config, pipeline),
  };
}

/** Equal for runs that every worker takes or refuses alike. */
export function needKey(need: Need): string {
  return JSON.stringify([
    need.pipeline,
    need.engines,
    need.worker_id,
    need.in_project,
    need.labels,
    need.tree,
    need.model,
    need.avoid,
    need.scope,
  ]);
}

/** Why a worker cannot take such runs as things stand, however many slots it has free; undefined where it can. */
export function refusal(need: Need, worker: Candidate): string | undefined {
  if (need.worker_id !== undefined && need.worker_id !== worker.worker_id) return 'thread is elsewhere';
  if (worker.state !== 'up') return worker.state;
  if (worker.retired && need.worker_id === undefined) return 'draining';
  return unable(need, worker);
}

export function poolOf(need: Need, workers: readonly Candidate[]): Pool {
  const able: Candidate[] = [];
  const rejected: Record<string, number> = {};
  for (const worker of workers) {
    const reason = refusal(need, worker);
    if (reason === undefined) able.push(worker);
    else rejected[reason] = (rejected[reason] ?? 0) + 1;
  }
  return { need, able, rejected };
}

/** Why a worker could not take a run however idle it were. */
function unable(need: Need, worker: Candidate): string | undefined {
  if (need.in_project ? !worker.local : !worker.pipelines.has(need.pipeline)) return 'pipeline unknown';
  const missing = need.engines.find((engine) => !serves(worker, engine));
  if (missing !== undefined) return `no ${missing}`;
  const label = need.labels.find((each) => !worker.labels.has(each));
  if (label !== undefined) return `not labelled ${label}`;
  const { signed } = worker;
  if (worker.local || need.scope === undefined) return undefined;
  const keeps = signed !== undefined && keepsTo(signed.scope, signed.sandbox, need.scope);
  return keeps ? undefined : 'sandbox not promised';
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

/** A worker with a free slot, and how well it suits: the least goes first. */
interface Ranked {
  worker: Candidate;
  score: number;
}

/**
 * The worker with the least score of those with a free slot, with the next three and how many were left
 * out for which reason. Equal ones by their share of slots in use, then by id. Workers with labels come
 * after all others for a run that asks for none: who does ask has nowhere else to go.
 */
export function placeBest(
  pool: Pool,
  by: { policy: string; score(worker: Candidate): number; why(worker: Candidate): string },
): Placement | undefined {
  const asksForLabel = pool.need.labels.length > 0;
  const ranked: Ranked[] = [];
  let free = 0;
  for (const worker of pool.able) {
    if (worker.busy >= worker.slots) continue;
    free++;
    const kept = !asksForLabel && worker.labels.size > 0;
    keepBest(ranked, { worker, score: by.score(worker) + (kept ? keptBack : 0) });
  }
  const [best, ...others] = ranked;
  if (best === undefined) return undefined;
  const rejected: Record<string, number> = { ...pool.rejected };
  if (pool.able.length > free) rejected['no free slot'] = pool.able.length - free;
  if (free > ranked.length) rejected['ranked lower'] = free - ranked.length;
  const next = others.map(({ worker }) => ({ worker_id: worker.worker_id, why: by.why(worker) }));
  return { worker_id: best.worker.worker_id, policy: by.policy, why: by.why(best.worker), next, rejected };
}

const keptBack = 1e15;

/** In order, the best and the runners-up: a list this short needs no sorting. */
function keepBest(ranked: Ranked[], entry: Ranked): void {
  let at = ranked.length;
  for (
    let before = ranked[at - 1];
    before !== undefined && suitsBetter(entry, before);
    before = ranked[at - 1]
  ) {
    at--;
  }
  if (at > runnersUpShown) return;
  ranked.splice(at, 0, entry);
  ranked.length = Math.min(ranked.length, runnersUpShown + 1);
}

function suitsBetter(a: Ranked, b: Ranked): boolean {
  if (a.score !== b.score) return a.score < b.score;
  const [one, other] = [a.worker.busy / a.worker.slots, b.worker.busy / b.worker.slots];
  return one === other ? a.worker.worker_id < b.worker.worker_id : one < other;
}
