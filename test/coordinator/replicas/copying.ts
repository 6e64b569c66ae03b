import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { openReplicaFolder, type ReplicaFolder } from '../../../coordinator/replicas/folder.ts';
import { createReplicas, type Replicas } from '../../../coordinator/replicas/replicas.ts';
import type { Read } from '../../../core/remote-bytes.ts';
import type { StoredHandle } from '../../../coordinator/store/run-store.ts';
import { createLogger } from '../../../platform/log.ts';
import { transfer } from '../../../platform/replica-transfer.ts';
import { config as configSchema } from '../../../schemas/config.ts';
import type { ReplicaNote } from '../../../schemas/replica.ts';
import { createMemoryHandleStore } from '../../../servers/worker/output/memory-handle-store.ts';
import { readHandle } from '../../../servers/worker/output/read/read-handle.ts';
import { scratchFolder } from '../../helpers/scratch.ts';

export const runId = 'run_V1StGXR8Z5jdHi6BmyT01';

/** A worker's handles, read as over a connection; what is asked for is on record, and can be tampered with. */
export interface Far {
  read: Read;
  /** Ranges asked for, first byte each. */
  asked: number[];
  /** Called before each answer, with the text that goes out. */
  tamper: (text: string) => Promise<string> | string;
  keep(content: Buffer): Promise<StoredHandle>;
}

export function far(): Far {
  const store = createMemoryHandleStore();
  const made: Far = {
    asked: [],
    tamper: (text) => text,
    async read(input, signal) {
      made.asked.push(input.from ?? 0);
      const page = await readHandle(store, input, signal);
      return { ...page, text: await made.tamper(page.text) };
    },
    async keep(content) {
      const writer = store.create({
        run_id: runId,
        stage: 'log',
        stream: 'stdout',
        media_type: 'text/plain',
        now: 1,
      });
      writer.append(content);
      return { ...(await writer.seal({ truncated: false })), worker_id: 'far', attempt: 1 };
    },
  };
  return made;
}

export function noteOf(stored: StoredHandle): ReplicaNote {
  const { attempt: _, worker_id, sha256 = '', ...handle } = stored;
  return { run_id: runId, worker_id, handle: { ...handle, sha256, state: 'sealed' } };
}

export function newFolder(): { folder: ReplicaFolder; dir: string } {
  const dir = scratchFolder();
  return { folder: openReplicaFolder(join(dir, 'replicas'), join(dir, 'blobs')), dir };
}

export function newReplicas(
  folder: ReplicaFolder,
  readerOf: () => Read | undefined,
  settings: { quota_bytes?: number; known?: (id: string) => boolean; fetched?: string[] } = {},
): Replicas {
  const { known = () => true, fetched = [], ...output } = settings;
  return createReplicas({
    folder,
    store: {
      findHandle: (id) =>
        Promise.resolve(
          known(id) ? { run_id: runId, owner: 'local', ended_at: 1, handle: stored(id) } : undefined,
        ),
    },
    config: configSchema.parse({
      remote_workers: { far: { url: 'http://127.0.0.1:1/mcp', secret: { env: 'NONE' } } },
      output,
    }),
    readerOf,
    fetch: async (note, signal) => {
      fetched.push(note.handle.handle_id);
      const read = readerOf();
      if (read === undefined) throw new Error('no way to its worker');
      return transfer({ read, handleId: note.handle.handle_id, signal }, note, folder);
    },
    log: createLogger({ name: 'test', level: 'silent' }),
  });
}

function stored(id: string): StoredHandle {
  return {
    handle_id: id,
    stream: 'stdout',
    stage: 'log',
    media_type: 'text/plain',
    state: 'sealed',
    bytes: 0,
    lines: 0,
    truncated: false,
    created_at: 1,
    worker_id: 'far',
    attempt: 1,
  };
}

/** Bytes that repeat nowhere. */
export function content(bytes: number, seed: string): Buffer {
  const parts: Buffer[] = [];
  for (let at = 0; at < bytes; at += 32)
    parts.push(
      createHash('sha256')
        .update(`${seed} ${String(at)}`)
        .digest(),
    );
  return Buffer.concat(parts).subarray(0, bytes);
}
