import { defineCommand, wrongUsage } from '../command.ts';
import { connectFleet, withFleet, type Fleet } from '../fleet/connect.ts';
import { print, printJson, table } from '../output.ts';
import { processEnv } from '../../platform/environment.ts';
import { fleetPaths } from '../../platform/paths.ts';
import { taskId } from '../../schemas/ids.ts';
import { operatorRequests } from '../../schemas/operator.ts';
import type { RestoreRecord, TypeCounts } from '../../schemas/privacy.ts';

const rotating = 'codex-fleet/rotate_keys';
const forgetting = 'codex-fleet/forget_values';
const restores = 'codex-fleet/restores';
const mostShown = 100;

export const privacy = defineCommand({
  name: 'privacy',
  usage: 'rotate | forget TASK | restores [TASK]',
  about:
    'rotate: encrypts the keys of all tasks under a new master key and deletes the old one.\n' +
    'forget: deletes the key of a task, and with it all anybody could know of what its surrogates stand for.\n' +
    'restores: shows where values were put back, or refused, the latest first; values are never shown.',
  examples: ['codex-fleet privacy restores fix-login', 'codex-fleet privacy forget fix-login'],
  options: {},
  run: async ({ positionals, json }) => {
    const [what, task, ...others] = positionals;
    if (others.length > 0) throw wrongUsage('privacy', `"${others.join(' ')}" was not expected`);
    if (task !== undefined && !taskId.safeParse(task).success)
      throw wrongUsage('privacy', `"${task}" is no task`);
    const answer = await withFleet(connectFleet(fleetPaths(processEnv)), (fleet) => ask(fleet, what, task));
    if (json) printJson(answer.result);
    else print(answer.text);
    return 0;
  },
});

async function ask(
  fleet: Fleet,
  what: string | undefined,
  task: string | undefined,
): Promise<{ result: object; text: string }> {
  if (what === 'rotate' && task === undefined) {
    const result = await fleet.request(rotating, operatorRequests[rotating], {});
    return { result, text: `The keys of ${String(result.tasks)} tasks are under a new master key.` };
  }
  if (what === 'forget' && task !== undefined) {
    const result = await fleet.request(forgetting, operatorRequests[forgetting], { task_id: task });
    const text = result.forgotten
      ? `What the surrogates of ${task} stand for is forgotten.`
      : `Nothing is known of ${task}.`;
    return { result, text };
  }
  if (what === 'restores') {
    const asked = { ...(task !== undefined && { task_id: task }), most: mostShown };
    const result = await fleet.request(restores, operatorRequests[restores], asked);
    return { result, text: result.restores.length === 0 ? 'None.' : rows(result.restores) };
  }
  throw wrongUsage('privacy', 'It takes rotate, forget TASK, or restores [TASK]');
}

function rows(records: readonly RestoreRecord[]): string {
  const cells = records.map((one) => [
    new Date(one.at).toISOString(),
    one.task_id,
    one.handle_id ?? one.run_id,
    one.destination,
    one.allowed ? counted(one.restored) : 'refused',
    counted(one.withheld),
    String(one.unknown),
  ]);
  return table(['TIME', 'TASK', 'OF', 'TO', 'PUT BACK', 'WITHHELD', 'UNKNOWN'], cells);
}

function counted(counts: TypeCounts): string {
  const parts = Object.entries(counts).map(([type, many]) => `${type} ${String(many)}`);
  return parts.length === 0 ? '–' : parts.join(', ');
}
