import { FleetError } from '../../core/errors.ts';
import type { Blobs } from '../../platform/blobs/blobs.ts';
import type { StoredContent } from '../../platform/blobs/stored-content.ts';
import { readReplicaNote, replicaFiles } from '../../platform/replica-files.ts';
import type { ReplicaNote } from '../../schemas/replica.ts';
import type { HandleReader } from '../worker/output/handle-store.ts';
import { LatelyRead } from '../worker/output/lately-read.ts';
import { findLine } from '../worker/output/line-lookup.ts';
import { scanContent } from '../worker/output/scan-content.ts';
import { openSealed } from '../worker/output/sealed-content.ts';

/** The copies of handles in a folder, to be read. They are sealed, every one: nothing of them changes. */
export function openReplicas(dir: string, blobs: Blobs): HandleReader {
  const open = ({ handle }: ReplicaNote): StoredContent | undefined =>
    openSealed(replicaFiles(dir, handle.handle_id).content, handle, blobs);
  const lately = new LatelyRead<ReplicaNote>({
    find: (handleId) => readReplicaNote(dir, handleId),
    open,
    async indexOf(note) {
      const content = open(note);
      try {
        return await scanContent(content);
      } finally {
        content?.close();
      }
    },
  });
  const readInto = (handleId: string, offset: number, target: Buffer): number => {
    const content = lately.content(handleId);
    if (content === undefined) throw gone();
    return content.readInto(offset, target);
  };
  return {
    stat: (handleId) => lately.find(handleId)?.handle,
    runOf: (handleId) => lately.find(handleId)?.run_id,
    async read(handleId, offset, length) {
      const bytes = lately.find(handleId)?.handle.bytes ?? 0;
      const memory = Buffer.allocUnsafe(Math.max(0, Math.min(length, bytes - offset)));
      return memory.subarray(0, readInto(handleId, offset, memory));
    },
    readInto: async (handleId, offset, target) => readInto(handleId, offset, target),
    async lineOffset(handleId, line) {
      const index = await lately.index(handleId);
      if (index === undefined) throw gone();
      return findLine(index, line, (offset, target) => readInto(handleId, offset, target));
    },
  };
}

function gone(): FleetError {
  return new FleetError('NOT_FOUND', 'The copy of this handle is gone.');
}
