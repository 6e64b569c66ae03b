import type { Handlers } from '../../mcp/handlers.ts';
import {
  fleetContracts,
  workerContracts,
  type FleetContracts,
  type WorkerContracts,
} from '../../schemas/tools.ts';

const { start_run, poll_run, read_handle, pause_run, resume_run, cancel_run, list_workers } = fleetContracts;

/** Handlers that answer with the contracts' own examples and do nothing. */
export const inertFleetHandlers: Handlers<FleetContracts> = {
  start_run: () => start_run.example.output,
  poll_run: () => poll_run.example.output,
  read_handle: () => read_handle.example.output,
  pause_run: () => pause_run.example.output,
  resume_run: () => resume_run.example.output,
  cancel_run: () => cancel_run.example.output,
  list_workers: () => list_workers.example.output,
};

export const inertWorkerHandlers: Handlers<WorkerContracts> = {
  ...inertFleetHandlers,
  poll_run: () => workerContracts.poll_run.example.output,
  describe_worker: () => workerContracts.describe_worker.example.output,
};
