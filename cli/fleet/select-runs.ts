import { wrongUsage } from '../command.ts';
import { runId, taskId } from '../../schemas/ids.ts';

/** Positionals that are run ids, or one task id. */
export function selectRuns(
  command: string,
  positionals: readonly string[],
): { run_ids: string[] } | { task_id: string } {
  const [first] = positionals;
  if (first === undefined) throw wrongUsage(command, 'Name runs, or a task');
  if (positionals.every((id) => runId.safeParse(id).success)) return { run_ids: [...positionals] };
  if (positionals.length > 1) throw wrongUsage(command, 'Name run ids (run_…), or one task');
  if (!taskId.safeParse(first).success) throw wrongUsage(command, `"${first}" is neither a run nor a task`);
  return { task_id: first };
}
