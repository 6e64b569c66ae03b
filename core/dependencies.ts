import type { RunSpec } from '../schemas/run.ts';
import type { RunStatus } from '../schemas/run-words.ts';
import { FleetError } from './errors.ts';

const runIdShape = /^run_[A-Za-z0-9_-]{21}$/;

/**
 * The specs of a call with `after` as run ids: a label stands for the one run before it in the call
 * that has it. So no cycle can be written. INVALID_INPUT for any other label.
 */
export function linkRuns(specs: readonly RunSpec[], runIds: readonly string[]): RunSpec[] {
  return specs.map((spec, at) => {
    if (spec.after === undefined) return spec;
    const after = spec.after.map((name) =>
      runIdShape.test(name) ? name : labelled(name, { specs, runIds, at }),
    );
    return { ...spec, after: [...new Set(after)] };
  });
}

function labelled(
  name: string,
  { specs, runIds, at }: { specs: readonly RunSpec[]; runIds: readonly string[]; at: number },
): string {
  const found = runIds.filter((_id, before) => before < at && specs[before]?.label === name);
  const [runId] = found;
  if (runId !== undefined && found.length === 1) return runId;
  const where = specs.length === 1 ? 'after' : `runs[${String(at)}].after`;
  throw new FleetError(
    'INVALID_INPUT',
    runId === undefined
      ? `"${where}" names ${JSON.stringify(name)}: neither a run id nor the label of an earlier entry of runs[].`
      : `"${where}" names ${JSON.stringify(name)}, the label of ${String(found.length)} entries of runs[].`,
  );
}

/** Why a run must not begin, now that one it waits for has ended. */
export function stopReason(
  { on_failure: onFailure }: Pick<RunSpec, 'on_failure'>,
  ended: { run_id: string; status: RunStatus },
): string | undefined {
  return onFailure === 'stop' && ended.status !== 'completed'
    ? `${ended.run_id}, which it waits for, ended ${ended.status}.`
    : undefined;
}
