import type { RunSpec } from '../schemas/run.ts';

/** What runs that have not ended still need of those that have. */
export interface HeldRuns {
  has(run: { run_id: string; spec: Pick<RunSpec, 'group'> }): boolean;
}

/** Held are the runs another one comes after, and those of a group that is not over. */
export function heldBy(open: Iterable<{ spec: Pick<RunSpec, 'after' | 'group'> }>): HeldRuns {
  const runs = new Set<string>();
  const groups = new Set<string>();
  for (const { spec } of open) {
    for (const earlier of spec.after ?? []) runs.add(earlier);
    if (spec.group !== undefined) groups.add(spec.group);
  }
  return { has: ({ run_id, spec }) => runs.has(run_id) || groups.has(spec.group ?? '') };
}
