import { buildServer } from '../../mcp/build-server.ts';
import { createOwnRequests } from '../../mcp/own-requests.ts';
import { serveStdio, type StdioService } from '../../mcp/serve-stdio.ts';
import { openBlobs } from '../../platform/blobs/blobs.ts';
import type { Logger } from '../../platform/log.ts';
import { replicaFiles } from '../../platform/replica-files.ts';
import { version } from '../../platform/version.ts';
import { readerRequests } from '../../schemas/operator.ts';
import { readerContracts } from '../../schemas/tools.ts';
import { readHandle } from '../worker/output/read/read-handle.ts';
import { createCopying } from './copying.ts';
import { createCounting } from './counting.ts';
import { openReplicas } from './replicas.ts';

/**
 * Answers read_handle for the copies of handles in a folder, as their workers would, and makes such copies,
 * over stdin and stdout to one client: its coordinator, which starts this process when there is something
 * to do and decides whose handles are whose. So neither bytes nor searches are ever the coordinator's own.
 */
export function startReader(dir: string, blobDir: string, log: Logger): Promise<StdioService> {
  const blobs = openBlobs(blobDir);
  const replicas = openReplicas(dir, blobs);
  const place = { blobs: () => blobs, files: (handleId: string) => replicaFiles(dir, handleId) };
  const factory = buildServer({
    name: 'codex-fleet-reader',
    version,
    instructions: 'Reads copied handles.',
    contracts: readerContracts,
    handlers: { read_handle: (input, { signal }) => readHandle(replicas, input, signal) },
    requests: createOwnRequests(
      readerRequests,
      { 'codex-fleet/copy': createCopying(place), ...createCounting(blobs) },
      log,
    ),
    log,
    owner: 'local',
  });
  return serveStdio(factory);
}
