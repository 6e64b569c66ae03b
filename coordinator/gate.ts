import type { Call, Handlers } from '../mcp/handlers.ts';
import type { RequestHandlers } from '../mcp/own-requests.ts';
import type { TaskSource } from '../mcp/tasks.ts';
import type { OperatorRequests } from '../schemas/operator.ts';
import type { FleetContracts } from '../schemas/tools.ts';
import { offersTask } from './tasks.ts';

/**
 * Handlers that wait until the coordinator is ready: it listens first, so that clients connect while
 * the store is being opened.
 */
export function gate(ready: Promise<Handlers<FleetContracts>>): Handlers<FleetContracts> {
  // Where it never becomes ready, each call says so itself.
  ready.catch(() => undefined);
  return {
    start_run: async (input, call: Call) => (await ready).start_run(input, call),
    poll_run: async (input, call: Call) => (await ready).poll_run(input, call),
    read_handle: async (input, call: Call) => (await ready).read_handle(input, call),
    pause_run: async (input, call: Call) => (await ready).pause_run(input, call),
    resume_run: async (input, call: Call) => (await ready).resume_run(input, call),
    cancel_run: async (input, call: Call) => (await ready).cancel_run(input, call),
    list_workers: async (input, call: Call) => (await ready).list_workers(input, call),
  };
}

/** The same for runs as MCP tasks. */
export function gateTasks(ready: Promise<TaskSource>): TaskSource {
  ready.catch(() => undefined);
  return {
    offers: offersTask,
    fromResult: async (result) => (await ready).fromResult(result),
    get: async (taskId) => (await ready).get(taskId),
    told: (...sent) => void ready.then((tasks) => tasks.told?.(...sent)).catch(() => undefined),
    cancel: async (taskId) => (await ready).cancel(taskId),
    update: async (taskId, inputResponses) => (await ready).update(taskId, inputResponses),
  };
}

export function gateOperator(
  ready: Promise<RequestHandlers<OperatorRequests>>,
): RequestHandlers<OperatorRequests> {
  ready.catch(() => undefined);
  return {
    'codex-fleet/collect': async (params) => (await ready)['codex-fleet/collect'](params),
    'codex-fleet/drain_worker': async (params) => (await ready)['codex-fleet/drain_worker'](params),
    'codex-fleet/told': async (params) => (await ready)['codex-fleet/told'](params),
    'codex-fleet/restart_worker': async (params) => (await ready)['codex-fleet/restart_worker'](params),
    'codex-fleet/export': async (params) => (await ready)['codex-fleet/export'](params),
    'codex-fleet/restore': async (params) => (await ready)['codex-fleet/restore'](params),
    'codex-fleet/rotate_keys': async (params) => (await ready)['codex-fleet/rotate_keys'](params),
    'codex-fleet/forget_values': async (params) => (await ready)['codex-fleet/forget_values'](params),
    'codex-fleet/restores': async (params) => (await ready)['codex-fleet/restores'](params),
  };
}
