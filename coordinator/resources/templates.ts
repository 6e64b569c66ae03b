import type { ResourceTemplate } from '../../mcp/resources.ts';
import { handlePrefix } from '../../schemas/handle.ts';

export const runPrefix = 'fleet://runs/';

export const runTemplate: ResourceTemplate = {
  uriTemplate: `${runPrefix}{run_id}`,
  name: 'run',
  description: 'A run as poll_run shows it. Subscribe to hear of its changes.',
  mimeType: 'application/json',
};

export const handleTemplate: ResourceTemplate = {
  uriTemplate: `${handlePrefix}{handle_id}{?line,byte}`,
  name: 'handle',
  description: 'Stored output of a run, a page at a time, from a line (from 1) or a byte (from 0).',
  mimeType: 'text/plain',
};

/** Known before the store is open. */
export const fleetTemplates: readonly ResourceTemplate[] = [runTemplate, handleTemplate];
