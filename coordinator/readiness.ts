import type { Reserved } from '../schemas/run.ts';
import type { Budgets } from './budgets.ts';
import type { RunListener } from './changes.ts';
import type { Dependencies } from './dependencies.ts';
import type { Groups } from './groups.ts';
import type { RunRecord } from './store/run-store.ts';

type Arriving = Pick<RunRecord, 'run_id' | 'owner' | 'spec' | 'attempts'>;

/** What a run waits for before it may queue for a slot: runs it comes after, then a share of its task's budget. */
export interface Readiness extends RunListener {
  /** Runs that wait so. */
  readonly size: number;
  /** Whether it may be queued in this very turn. */
  isReady(run: Arriving): boolean;
  /** Takes a run that is not ready; it is queued by itself once it is. */
  hold(run: RunRecord, order: number): void;
  drop(runId: string): void;
  /** What the next attempt of a ready run may use. */
  given(run: Arriving): Reserved | undefined;
  waitsFor(runId: string): 'after' | 'budget' | undefined;
  /** These runs are about to end failed. */
  failing(runIds: readonly string[]): void;
  /** Takes up what a restart interrupted; before any run is held. */
  restore(open: readonly RunRecord[]): Promise<void>;
}

export interface ReadinessParts {
  dependencies: Dependencies;
  groups: Groups;
  budgets: Budgets;
}

export function createReadiness({ dependencies, groups, budgets }: ReadinessParts): Readiness {
  return {
    get size() {
      return dependencies.size + budgets.size;
    },
    isReady: (run) => !comesAfter(run) && budgets.isFree(run),
    hold(run, order) {
      if (comesAfter(run)) dependencies.hold({ run, order });
      else budgets.hold({ run, order });
    },
    drop(runId) {
      dependencies.drop(runId);
      budgets.drop(runId);
    },
    given: budgets.given,
    waitsFor(runId) {
      if (dependencies.has(runId)) return 'after';
      return budgets.has(runId) ? 'budget' : undefined;
    },
    failing: groups.failing,
    changed(run) {
      groups.changed(run);
      budgets.changed(run);
    },
    ended(run) {
      groups.ended(run);
      dependencies.ended(run);
    },
    async restore(open) {
      await budgets.restore();
      groups.restore(open);
    },
  };
}

/** One that has begun has waited for them. */
function comesAfter({ spec, attempts }: Arriving): boolean {
  return spec.after !== undefined && attempts.length === 0;
}
