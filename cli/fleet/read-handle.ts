import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { z } from 'zod';
import { FleetError } from '../../core/errors.ts';
import { openBlobs } from '../../platform/blobs/blobs.ts';
import { connect, type Peer } from '../../mcp/client.ts';
import type { FleetPaths } from '../../platform/paths.ts';
import { runContracts, type RunContracts } from '../../schemas/tools.ts';
import { openFileHandleStore } from '../../servers/worker/output/file-handle-store.ts';
import { readHandle } from '../../servers/worker/output/read/read-handle.ts';
import { connectWhereUp } from './connect.ts';
import { recordedProcesses, workerIds } from './process-record.ts';

type Contract = RunContracts['read_handle'];
export type Page = z.output<Contract['output']>;
export type ReadPage = (request: z.input<Contract['input']>) => Promise<Page>;

interface Reader {
  read: ReadPage;
  close(): Promise<void>;
}

/**
 * Reads a handle by way of the fleet or, while that is down, from the local worker that has it: by
 * asking it where it still runs, else from its files.
 */
export async function openReader(paths: FleetPaths, handle: string): Promise<Reader> {
  const fleet = await connectWhereUp(paths);
  if (fleet !== undefined) return readerOf(fleet);
  const running = new Set(recordedProcesses(paths).flatMap(({ name, running }) => (running ? [name] : [])));
  for (const id of workerIds(paths)) {
    const reader = running.has(id)
      ? await askWorker(paths.workerSocket(id), handle)
      : await openFiles(paths, id, handle);
    if (reader !== undefined) return reader;
  }
  throw new FleetError('NOT_FOUND', `No local worker has ${handle}, and the fleet is down.`, {
    next: 'Where a remote worker has it, run `codex-fleet up` and read again.',
  });
}

function readerOf(peer: Peer<RunContracts>): Reader {
  return { read: (request) => peer.call('read_handle', request), close: () => peer.close() };
}

async function askWorker(socket: string, handle: string): Promise<Reader | undefined> {
  const peer = await connect(runContracts, { socket });
  try {
    await peer.call('read_handle', { handle_id: handle, mode: 'bytes', from: 0, count: 1 });
    return readerOf(peer);
  } catch {
    await peer.close();
    return undefined;
  }
}

async function openFiles(paths: FleetPaths, id: string, handle: string): Promise<Reader | undefined> {
  const folder = join(paths.workerDir(id), 'handles');
  if (!existsSync(folder)) return undefined;
  const store = await openFileHandleStore(folder, openBlobs(paths.blobDir));
  if (store.stat(handle) === undefined) return undefined;
  return {
    read: (request) => readHandle(store, request, new AbortController().signal),
    close: () => Promise.resolve(),
  };
}
