import type { Recipes } from '../core/placement.ts';
import { createTreeHolds, needsTreeAlone, type TreeHolds } from '../core/workspace.ts';
import type { RunSpec } from '../schemas/run.ts';
import { triesOf } from './fleet/open-attempts.ts';
import type { Places } from './places.ts';
import type { RunRecord } from './store/run-store.ts';

/** Work trees that runs change in place, one run at a time in each. */
export interface WorkTrees extends TreeHolds {
  /**
   * The Git work tree a run changes in place, or its cwd where that is in none; undefined for one that
   * needs none. A run that was started by a run must not wait for that one, and has a name of its own
   * for the same tree: only runs of one depth keep out of each other's way.
   */
  neededBy(spec: RunSpec, recipes: Recipes): string | undefined;
  /** Lets a run from before a restart keep what it may have changed. */
  restore(run: RunRecord): void;
}

export function createWorkTrees(places: Pick<Places, 'recipesIn' | 'workTree'>): WorkTrees {
  const holds = createTreeHolds();
  function neededBy(spec: RunSpec, { here }: Recipes): string | undefined {
    const pipeline = Object.hasOwn(here, spec.pipeline) ? here[spec.pipeline] : undefined;
    if (pipeline === undefined || !needsTreeAlone(spec, pipeline)) return undefined;
    const tree = places.workTree(spec.cwd) ?? spec.cwd;
    return spec.depth === 0 ? tree : `${tree}\0${String(spec.depth)}`;
  }
  return {
    ...holds,
    neededBy,
    restore(run) {
      if (triesOf(run) === 0) return;
      const tree = neededBy(run.spec, places.recipesIn(run.spec.cwd));
      if (tree !== undefined) holds.hold(tree, run.run_id);
    },
  };
}
