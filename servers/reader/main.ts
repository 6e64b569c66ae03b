import { buildServer } from '../../mcp/build-server.ts';
import { serveStdio, type StdioService } from '../../mcp/serve-stdio.ts';
import type { Logger } from '../../platform/log.ts';
import { version } from '../../platform/version.ts';
import { readerContracts } from '../../schemas/tools.ts';
import { readHandle } from '../worker/output/read/read-handle.ts';
import { openReplicas } from './replicas.ts';

/**
 * Answers read_handle for the copies of handles in a folder, as their workers would, over stdin and
 * stdout to one client: its coordinator, which starts this process when there is something to read and
 * decides whose handles are whose. So neither bytes nor searches are ever the coordinator's own.
 */
export function startReader(dir: string, blobDir: string, log: Logger): Promise<StdioService> {
  const replicas = openReplicas(dir, blobDir);
  const factory = buildServer({
    name: 'codex-fleet-reader',
    version,
    instructions: 'Reads copied handles.',
    contracts: readerContracts,
    handlers: { read_handle: (input, { signal }) => readHandle(replicas, input, signal) },
    log,
    owner: 'local',
  });
  return serveStdio(factory);
}
