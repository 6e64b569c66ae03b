import { escalationBar } from '../../../core/escalation.ts';
import { askedLimits, planLimits } from '../../../core/limits.ts';
import type { Config } from '../../../schemas/config.ts';
import type { LimitState } from '../../../schemas/limits.ts';
import type { Pipeline } from '../../../schemas/pipeline.ts';
import type { RunSpec } from '../../../schemas/run.ts';
import type { Enforcement, EnforcementOptions, Told } from './enforcement.ts';
import type { HeldRun } from './held-run.ts';

/** What says which limits a run has. */
export interface Bounded {
  config: Config;
  pipeline: Pipeline;
  spec: Pick<RunSpec, 'limits'>;
}

/** Holds the processes of a worker's runs to limits. */
export interface Limits {
  /** Tries every layer once, and answers what came of it. */
  prove(): Promise<readonly LimitState[]>;
  /** What came of it, where it was tried. */
  readonly known: () => readonly LimitState[] | undefined;
  /** SANDBOX_UNAVAILABLE where the run cannot be held to a limit it has. */
  check(run: Bounded): Promise<void>;
  /** undefined for a run without limits; throws what check() would, which is to come first. */
  hold(run: Bounded & Told): HeldRun | undefined;
  /** Why the run may get nothing beyond what it was started with; undefined where its limits are all enforced. */
  escalationBar(run: Bounded): string | undefined;
  close(): Promise<void>;
}

/** Nothing is loaded, tried or made before a run has a limit. */
export function createLimits(options: EnforcementOptions): Limits {
  let proof: Promise<Enforcement> | undefined;
  let enforcement: Enforcement | undefined;

  const prove = async (): Promise<readonly LimitState[]> => {
    proof ??= import('./enforcement.ts').then(({ proveEnforcement }) => proveEnforcement(options));
    enforcement = await proof;
    return enforcement.states;
  };
  return {
    prove,
    known: () => enforcement?.states,
    async check({ config, pipeline, spec }) {
      const asked = askedLimits(config, pipeline, spec);
      if (asked !== undefined) planLimits(asked, await prove(), config.limits.allow_degraded);
    },
    hold({ config, pipeline, spec, report, onReached }) {
      const asked = askedLimits(config, pipeline, spec);
      if (asked === undefined) return undefined;
      const without = planLimits(asked, enforcement?.states ?? [], config.limits.allow_degraded);
      return enforcement?.hold(asked, without, { report, onReached });
    },
    escalationBar: ({ config, pipeline, spec }) =>
      escalationBar({
        limits: askedLimits(config, pipeline, spec),
        states: enforcement?.states ?? [],
        reaping: options.layer.reaping,
      }),
    async close() {
      await proof?.then(({ close }) => close());
    },
  };
}
