import { setImmediate as nextTurn } from 'node:timers/promises';
import { FleetError } from '../../core/errors.ts';
import { openContent, type StoredContent } from '../../platform/blobs/content.ts';
import { readReplicaNote, replicaFiles } from '../../platform/replica-files.ts';
import type { HandleRecord } from '../../schemas/handle.ts';
import type { ReplicaNote } from '../../schemas/replica.ts';
import type { HandleReader } from '../worker/output/handle-store.ts';
import { LineIndex } from '../worker/output/line-index.ts';
import { findLine } from '../worker/output/line-lookup.ts';

/** Copies kept open, with their line indexes, the most lately read last. */
const keptOpen = 16;
const sliceBytes = 1 << 20;

interface Open {
  note: ReplicaNote;
  content: StoredContent;
  index: Promise<LineIndex> | undefined;
}

/** The copies of handles in a folder, to be read. They are sealed, every one: nothing of them changes. */
export function openReplicas(dir: string): HandleReader {
  return new Replicas(dir);
}

class Replicas implements HandleReader {
  readonly #dir: string;
  readonly #open = new Map<string, Open>();

  constructor(dir: string) {
    this.#dir = dir;
  }

  stat(handleId: string): HandleRecord | undefined {
    return this.#find(handleId)?.note.handle;
  }

  runOf(handleId: string): string | undefined {
    return this.#find(handleId)?.note.run_id;
  }

  read(handleId: string, offset: number, length: number): Promise<Buffer> {
    return new Promise((resolve) => {
      const { content, note } = this.#get(handleId);
      const memory = Buffer.allocUnsafe(Math.max(0, Math.min(length, note.handle.bytes - offset)));
      resolve(memory.subarray(0, content.readInto(offset, memory)));
    });
  }

  readInto(handleId: string, offset: number, target: Buffer): Promise<number> {
    return new Promise((resolve) => resolve(this.#get(handleId).content.readInto(offset, target)));
  }

  async lineOffset(handleId: string, line: number): Promise<number> {
    const open = this.#get(handleId);
    open.index ??= indexOf(open.content);
    const index = await open.index;
    return findLine(index, line, (offset, length) => this.read(handleId, offset, length));
  }

  #get(handleId: string): Open {
    const open = this.#find(handleId);
    if (open === undefined) throw new FleetError('NOT_FOUND', 'The copy of this handle is gone.');
    return open;
  }

  #find(handleId: string): Open | undefined {
    const known = this.#open.get(handleId);
    this.#open.delete(handleId);
    const open = known ?? this.#openCopy(handleId);
    if (open === undefined) return undefined;
    this.#open.set(handleId, open);
    for (const [oldest, { content }] of this.#open) {
      if (this.#open.size <= keptOpen) break;
      this.#open.delete(oldest);
      content.close();
    }
    return open;
  }

  #openCopy(handleId: string): Open | undefined {
    const note = readReplicaNote(this.#dir, handleId);
    if (note === undefined) return undefined;
    const content = openContent(replicaFiles(this.#dir, handleId).content, note.handle.bytes);
    if (content?.size === note.handle.bytes) return { note, content, index: undefined };
    content?.close();
    return undefined;
  }
}

/** Reads a content once for where its lines begin, in slices that leave others their turn. */
async function indexOf(content: StoredContent): Promise<LineIndex> {
  const index = new LineIndex();
  const slice = Buffer.allocUnsafe(Math.min(sliceBytes, content.size + 1));
  for (;;) {
    const read = content.readInto(index.bytes, slice);
    if (read === 0) return index;
    index.push(slice.subarray(0, read));
    await nextTurn();
  }
}
