export {
  connectFleet,
  fleetOver,
  type FleetClient,
  type FleetConnection,
  type ToolCaller,
} from './client.ts';
export { FleetCallError } from './errors.ts';
export type * from './fleet.ts';
export { runToEnd, type RunRequest, type RunSnapshot, type RunToEndOptions } from './run-to-end.ts';
