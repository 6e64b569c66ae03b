import { linkSync, mkdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { nanoid } from 'nanoid';
import { failpoint } from '../failpoint.ts';
import { makePrivateDir } from '../paths.ts';
import { isSame, openContent, sha256Of, type FileContent } from './content.ts';
import { collect, usage, type Collected, type CollectOptions } from './collect.ts';
import { errnoOf, isPlain, lookAt } from './plain-file.ts';

/**
 * Contents by their sha256, each stored once for all processes of a state folder:
 * `dir/<2 hex>/<sha256>`. Whoever uses one has a hard link to it in a folder of its own, so that the
 * file system counts references: it does so across processes, and no crash makes it err. A blob with
 * no other name is unreferenced. No file here is ever written to.
 */
export interface Blobs {
  /**
   * Makes a finished file (of this content, never to be written again) a link to the blob of its
   * content, which is made of it where there is none. Nothing is trusted: it is replaced only by what
   * was read and found the same. Where the file system does not link, the file stays as it is.
   */
  adopt(path: string, sha256: string, bytes: number): Promise<{ reused: boolean }>;
  /** Makes a name for a blob whose bytes have this hash indeed; false where there is none, or `path` is taken. */
  link(sha256: string, bytes: number, path: string): Promise<boolean>;
  /** Whether there is a blob of this name and size. */
  has(sha256: string, bytes: number): boolean;
  /** Whether a file with several names is the blob of this hash. */
  holds(sha256: string, file: { dev: number; ino: number }): boolean;
  /** Frees all blobs nobody has a link to, and what crashes left; nothing else. */
  collect(options?: CollectOptions): Promise<Collected>;
  usage(): Promise<Collected>;
}

/** Makes the folder, private. INVALID_INPUT where something else is in its place. */
export function openBlobs(dir: string): Blobs {
  makePrivateDir(dir);
  return new FileBlobs(dir);
}

/** How often a blob that vanishes between two steps, freed by another process, is made anew. */
const maxTries = 3;

class FileBlobs implements Blobs {
  readonly #dir: string;

  constructor(dir: string) {
    this.#dir = dir;
  }

  async adopt(path: string, sha256: string, bytes: number): Promise<{ reused: boolean }> {
    const blob = this.#path(sha256);
    for (let tries = 0; tries < maxTries; tries += 1) {
      failpoint('blob.link.before');
      const errno = this.#link(path, blob);
      failpoint('blob.link.after');
      if (errno === undefined) return { reused: false };
      if (errno !== 'EEXIST') break;
      const own = openContent(path, bytes);
      if (own === undefined) break;
      try {
        if (lookAt(blob)?.ino === own.stat.ino) return { reused: false };
        const outcome = await this.#replace(path, own, blob);
        if (outcome !== 'again') return { reused: outcome === 'replaced' };
      } finally {
        own.close();
      }
    }
    return { reused: false };
  }

  async link(sha256: string, bytes: number, path: string): Promise<boolean> {
    const blob = this.#path(sha256);
    const content = openContent(blob, bytes);
    if (content === undefined) return false;
    try {
      if (content.size !== bytes || (await sha256Of(content)) !== sha256) return false;
      return attempt(() => linkSync(blob, path)) === undefined && lookAt(path)?.ino === content.stat.ino;
    } finally {
      content.close();
    }
  }

  has(sha256: string, bytes: number): boolean {
    const stat = lookAt(this.#path(sha256));
    return isPlain(stat) && stat.size === bytes;
  }

  holds(sha256: string, { dev, ino }: { dev: number; ino: number }): boolean {
    const stat = lookAt(this.#path(sha256));
    return isPlain(stat) && stat.ino === ino && stat.dev === dev;
  }

  collect(options: CollectOptions = {}): Promise<Collected> {
    return collect(this.#dir, options);
  }

  usage(): Promise<Collected> {
    return usage(this.#dir);
  }

  /** `again`: what was in the blob's place was not its content, and is gone. */
  async #replace(path: string, own: FileContent, blob: string): Promise<'replaced' | 'kept' | 'again'> {
    const stored = openContent(blob, own.size);
    try {
      if (stored === undefined || !(await isSame(own, stored))) {
        // Of a folder nobody knows whose it is.
        const isFolder = lookAt(blob)?.isDirectory() === true;
        return !isFolder && attempt(() => rmSync(blob, { force: true })) === undefined ? 'again' : 'kept';
      }
      // By another name first: at no time is there nothing under `path`.
      const name = join(blob, '..', `.link-${nanoid()}`);
      failpoint('blob.swap.before');
      if (attempt(() => linkSync(blob, name)) !== undefined) return 'again';
      failpoint('blob.swap.torn');
      const isItself = lookAt(name)?.ino === stored.stat.ino;
      if (!isItself || attempt(() => renameSync(name, path)) !== undefined) {
        attempt(() => rmSync(name, { force: true }));
        return 'kept';
      }
      failpoint('blob.swap.after');
      return 'replaced';
    } finally {
      stored?.close();
    }
  }

  /** The errno where it failed. */
  #link(path: string, blob: string): string | undefined {
    const errno = attempt(() => linkSync(path, blob));
    if (errno !== 'ENOENT') return errno;
    attempt(() => mkdirSync(join(blob, '..'), { mode: 0o700 }));
    return attempt(() => linkSync(path, blob));
  }

  #path(sha256: string): string {
    if (!/^[0-9a-f]{64}$/.test(sha256)) throw new RangeError('Not a sha256 in hex.');
    return join(this.#dir, sha256.slice(0, 2), sha256);
  }
}

function attempt(act: () => void): string | undefined {
  try {
    act();
    return undefined;
  } catch (error) {
    return errnoOf(error);
  }
}
