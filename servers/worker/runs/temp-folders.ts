import { lstatSync, mkdirSync, readdirSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { nanoid } from 'nanoid';
import { makePrivateDir } from '../../../platform/paths.ts';

/** Empty folders kept for attempts to come. */
const keptFolders = 64;

/**
 * The TMPDIRs of attempts: `dir/<name>`, private to one attempt at a time. One that comes back as it
 * was given out, as most do, is given out again: a file system may need longer to make and remove a
 * folder than a small run takes. What an earlier process left is removed.
 */
export class TempFolders {
  readonly #dir: string;
  readonly #free: string[] = [];
  readonly #given = new Map<string, string>();

  /** `removal` is told of everything that is removed in the background. Throws where `dir` cannot be made. */
  constructor(dir: string, removal: (done: Promise<void>) => void) {
    this.#dir = dir;
    makePrivateDir(dir);
    for (const left of readdirSync(dir)) removal(removeTree(join(dir, left)));
  }

  /** Throws where the disk refuses. The same folder when asked twice. */
  take(runId: string): string {
    const path = this.#given.get(runId) ?? this.#again() ?? this.#make();
    this.#given.set(runId, path);
    return path;
  }

  /** Of a run that has one. */
  of(runId: string): string {
    const path = this.#given.get(runId);
    if (path === undefined) throw new Error(`${runId} has no folder for its temporary files`);
    return path;
  }

  /** Nothing of the run's lives any more. Resolves when what it left is gone. */
  async giveBack(runId: string): Promise<void> {
    const path = this.#given.get(runId);
    if (path === undefined) return;
    this.#given.delete(runId);
    if (this.#free.length < keptFolders && isUntouched(path)) this.#free.push(path);
    else await removeTree(path);
  }

  /** Somebody else may have been there since. */
  #again(): string | undefined {
    const path = this.#free.pop();
    return path !== undefined && isUntouched(path) ? path : undefined;
  }

  #make(): string {
    const path = join(this.#dir, nanoid());
    mkdirSync(path, { mode: 0o700 });
    return path;
  }
}

function isUntouched(path: string): boolean {
  try {
    const found = lstatSync(path);
    return found.isDirectory() && (found.mode & 0o7777) === 0o700 && readdirSync(path).length === 0;
  } catch {
    return false;
  }
}

/** What cannot be removed now costs room, nothing else. */
export async function removeTree(path: string): Promise<void> {
  await rm(path, { recursive: true, force: true }).catch(() => undefined);
}
