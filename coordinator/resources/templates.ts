import type { ResourceTemplate } from '../../mcp/resources.ts';

export const runPrefix = 'fleet://runs/';

export const runTemplate: ResourceTemplate = {
  uriTemplate: `${runPrefix}{run_id}`,
  name: 'run',
  description: 'A run as poll_run shows it. Subscribe to hear of its changes.',
  mimeType: 'application/json',
};

/** Known before the store is open. */
export const fleetTemplates: readonly ResourceTemplate[] = [runTemplate];
