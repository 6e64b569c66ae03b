import type { z } from 'zod';
import { operatorRequests, type OperatorRequests } from '../../schemas/operator.ts';
import type { Fleet } from './connect.ts';

export type Drained = z.output<OperatorRequests['codex-fleet/drain_worker']['result']>;
export type Restarted = z.output<OperatorRequests['codex-fleet/restart_worker']['result']>;

/** Ending and starting a worker takes some seconds where it has much to put away. */
const restartTimeoutMs = 45_000;

/** Also tells how a worker stands: asked again it changes nothing. */
export function drainWorker(fleet: Fleet, workerId: string, drained: boolean): Promise<Drained> {
  const method = 'codex-fleet/drain_worker';
  return fleet.request(method, operatorRequests[method], { worker_id: workerId, drained });
}

export function restartWorker(fleet: Fleet, workerId: string, interrupt: boolean): Promise<Restarted> {
  const method = 'codex-fleet/restart_worker';
  const params = { worker_id: workerId, interrupt };
  return fleet.request(method, operatorRequests[method], params, { timeoutMs: restartTimeoutMs });
}

/** `2 runs` */
export function runsOf(count: number): string {
  return `${String(count)} ${count === 1 ? 'run' : 'runs'}`;
}
