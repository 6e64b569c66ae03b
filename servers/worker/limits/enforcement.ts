import { limitsNote } from '../../../core/limits.ts';
import type { LimitState, RunLimits } from '../../../schemas/limits.ts';
import type { LimitName } from '../../../schemas/run.ts';
import type { EngineReport } from '../engines/engine.ts';
import type { ReapingLayer } from '../runner/layer.ts';
import { cgroupTables, findControllers, type Controllers } from './controllers.ts';
import { createRunGroups } from './groups.ts';
import { createLimitWatch, holdRun, type HeldRun } from './held-run.ts';
import { proveLimits } from './prove.ts';

export interface EnforcementOptions {
  layer: ReapingLayer;
  /** Of the worker: notes what a later boot must remove, and the proof makes a folder in it. */
  dir: string;
  /** Default: those of this machine. */
  controllers?: Controllers;
}

/** Who hears of a run that is held. */
export interface Told {
  report: (report: EngineReport) => void;
  /** Once: what it is ended by. */
  onReached: (which: LimitName) => void;
}

/** What holds runs to limits here. */
export interface Enforcement {
  readonly states: readonly LimitState[];
  /** `without`: the layers of these limits that are not enforced. */
  hold(limits: RunLimits, without: readonly LimitState[], told: Told): HeldRun;
  close(): Promise<void>;
}

export async function proveEnforcement({
  layer,
  dir,
  controllers,
}: EnforcementOptions): Promise<Enforcement> {
  const found = usable(controllers ?? findControllers(cgroupTables()), layer);
  const groups = createRunGroups(found, dir);
  const watch = createLimitWatch();
  const states = await proveLimits({ layer, dir, groups, controllers: found });
  return {
    states,
    hold(limits, without, { report, onReached }) {
      if (without.length > 0) {
        report({ kind: 'note', text: limitsNote(without) });
        report({ kind: 'degraded', layers: without.map((state) => state.layer) });
      }
      return holdRun({
        limits,
        without: new Set(without.map((state) => state.layer)),
        groups,
        ours: (confined) => oursAmong(layer, confined),
        watch,
        onReached,
      });
    },
    close: () => groups.close(),
  };
}

/** A run must not be taken out of the cgroup that reaps it. */
function usable(controllers: Controllers, layer: ReapingLayer): Controllers {
  if (layer.reaping !== 'cgroup') return controllers;
  return new Map([...controllers].filter(([, { version }]) => version === 1));
}

/** nsenter, and the keeper and process 1 of the namespace; and what filters calls. */
function oursAmong(
  { reaping }: ReapingLayer,
  confined: { filtersCalls: boolean } | undefined,
): { inGroup: number; inTree: number } {
  if (reaping !== 'pid_namespace') return { inGroup: 0, inTree: 0 };
  const filters = confined?.filtersCalls === true ? 1 : 0;
  return { inGroup: 1 + filters, inTree: 3 + filters };
}
