import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseJson } from '../core/parse-json.ts';
import { handleId as handleIdSchema } from '../schemas/ids.ts';
import { replicaNote, type ReplicaNote } from '../schemas/replica.ts';

/** The files of a copied handle. */
export interface ReplicaFiles {
  /** What is known of it; there from the moment the copy is wanted. */
  note: string;
  /** Its bytes so far. */
  part: string;
  /** Its bytes, whole and of their hash: a link to the blob of that content. */
  content: string;
}

/** INVALID_INPUT would be the caller's to say: an id that is none has no files. */
export function replicaFiles(dir: string, handleId: string): ReplicaFiles {
  if (!handleIdSchema.safeParse(handleId).success) throw new RangeError('Not the id of a handle.');
  const content = join(dir, handleId);
  return { note: `${content}.json`, part: `${content}.part`, content };
}

/** undefined where the handle is not copied, nor going to be. */
export function readReplicaNote(dir: string, handleId: string): ReplicaNote | undefined {
  let text: string;
  try {
    text = readFileSync(replicaFiles(dir, handleId).note, 'utf8');
  } catch {
    return undefined;
  }
  return replicaNote.safeParse(parseJson(text)).data;
}
