import { createHash } from 'node:crypto';
import { linkSync, mkdirSync, renameSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { nanoid } from 'nanoid';
import { failpoint } from '../failpoint.ts';
import { makePrivateDir } from '../paths.ts';
import { collect, usage, type Collected, type CollectOptions } from './collect.ts';
import { isSame, openContent, sha256Of } from './content.ts';
import type { FileContent } from './stored-content.ts';
import { writeFramed } from './framed.ts';
import { errnoOf, isPlain, lookAt } from './plain-file.ts';

/**
 * Contents by their sha256, each stored once for all processes of a state folder:
 * `dir/<2 hex>/<sha256>`, or compressed as `<sha256>.br`. Whoever uses one has a hard link to it in a
 * folder of its own, so that the file system counts references: it does so across processes, and no
 * crash makes it err. A blob with no other name is unreferenced. No file here is ever written to.
 */
export interface Blobs {
  /**
   * Makes a finished file (of this content, never to be written again) a link to the blob of its
   * content, which is made of it where there is none. Nothing is trusted: it is replaced only by what
   * was read and found the same. Where the file system does not link, the file stays as it is.
   */
  adopt(path: string, sha256: string, bytes: number): Promise<{ reused: boolean }>;
  /**
   * Makes a link to a blob, or a file of that content, a link to the compressed blob, which is made
   * where there is none. False where that saves too little, the file is not what it should be, or
   * `mayGoOn` said no; the file stays as it is then.
   */
  compress(path: string, sha256: string, bytes: number, mayGoOn?: () => boolean): Promise<boolean>;
  /** Makes a name for a blob whose bytes have this hash indeed; false where there is none, or `path` is taken. */
  link(sha256: string, bytes: number, path: string): Promise<boolean>;
  /** Whether there is a blob of this name and size. */
  has(sha256: string, bytes: number): boolean;
  /** Opens a blob to be read; undefined where there is none of this name and size. */
  open(sha256: string, bytes: number): FileContent | undefined;
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
    const names = this.#names(sha256);
    for (let tries = 0; tries < maxTries; tries += 1) {
      const isFramed = lookAt(names.framed) !== undefined;
      failpoint('blob.link.before');
      const errno = isFramed ? 'EEXIST' : link(path, names.plain);
      failpoint('blob.link.after');
      if (errno === undefined) return { reused: false };
      if (errno !== 'EEXIST') break;
      const outcome = await this.#replace(path, bytes, isFramed ? names.framed : names.plain);
      if (outcome !== 'again') return { reused: outcome === 'replaced' };
    }
    return { reused: false };
  }

  async compress(path: string, sha256: string, bytes: number, mayGoOn = () => true): Promise<boolean> {
    const { plain, framed } = this.#names(sha256);
    if (lookAt(framed) === undefined && !(await makeFramed({ path, framed, sha256, bytes, mayGoOn })))
      return false;
    const outcome = await this.#replace(path, bytes, framed);
    // Whoever was the last to use it as it was.
    if (outcome === 'replaced' && lookAt(plain)?.nlink === 1) attempt(() => rmSync(plain));
    return outcome === 'replaced' || outcome === 'itself';
  }

  async link(sha256: string, bytes: number, path: string): Promise<boolean> {
    const { plain, framed } = this.#names(sha256);
    for (const blob of [framed, plain]) {
      const content = openContent(blob, bytes);
      if (content === undefined) continue;
      try {
        if (content.size !== bytes || (await sha256Of(content)) !== sha256) continue;
        return link(blob, path) === undefined && lookAt(path)?.ino === content.stat.ino;
      } finally {
        content.close();
      }
    }
    return false;
  }

  open(sha256: string, bytes: number): FileContent | undefined {
    const { plain, framed } = this.#names(sha256);
    for (const path of [plain, framed]) {
      const content = openContent(path, bytes);
      if (content?.size === bytes) return content;
      content?.close();
    }
    return undefined;
  }

  has(sha256: string, bytes: number): boolean {
    const { plain, framed } = this.#names(sha256);
    const stat = lookAt(plain);
    if (isPlain(stat) && stat.size === bytes) return true;
    const content = openContent(framed, bytes);
    content?.close();
    return content?.size === bytes;
  }

  holds(sha256: string, { dev, ino }: { dev: number; ino: number }): boolean {
    const { plain, framed } = this.#names(sha256);
    return [plain, framed].some((name) => {
      const stat = lookAt(name);
      return isPlain(stat) && stat.ino === ino && stat.dev === dev;
    });
  }

  collect(options: CollectOptions = {}): Promise<Collected> {
    return collect(this.#dir, options);
  }

  usage(): Promise<Collected> {
    return usage(this.#dir);
  }

  /** `again`: what was in the blob's place was not its content, and is gone. */
  async #replace(
    path: string,
    bytes: number,
    blob: string,
  ): Promise<'replaced' | 'itself' | 'kept' | 'again'> {
    const own = openContent(path, bytes);
    const stored = openContent(blob, bytes);
    try {
      if (own === undefined) return 'kept';
      if (stored?.stat.ino === own.stat.ino) return 'itself';
      if (stored === undefined || !(await isSame(own, stored))) {
        // Of a folder nobody knows whose it is.
        const isFolder = lookAt(blob)?.isDirectory() === true;
        return !isFolder && attempt(() => rmSync(blob, { force: true })) === undefined ? 'again' : 'kept';
      }
      return this.#swap(path, blob, stored);
    } finally {
      own?.close();
      stored?.close();
    }
  }

  /** By another name first: at no time is there nothing under `path`. */
  #swap(path: string, blob: string, stored: FileContent): 'replaced' | 'kept' | 'again' {
    const name = join(dirname(blob), `.link-${nanoid()}`);
    failpoint('blob.swap.before');
    const errno = link(blob, name);
    // A file has 65,000 names at most (ext4): whoever comes next makes place for another.
    if (errno === 'EMLINK') return attempt(() => rmSync(blob)) === undefined ? 'again' : 'kept';
    if (errno !== undefined) return errno === 'ENOENT' ? 'again' : 'kept';
    failpoint('blob.swap.torn');
    const isItself = lookAt(name)?.ino === stored.stat.ino;
    if (!isItself || attempt(() => renameSync(name, path)) !== undefined) {
      attempt(() => rmSync(name, { force: true }));
      return 'kept';
    }
    failpoint('blob.swap.after');
    return 'replaced';
  }

  #names(sha256: string): { plain: string; framed: string } {
    if (!/^[0-9a-f]{64}$/.test(sha256)) throw new RangeError('Not a sha256 in hex.');
    const plain = join(this.#dir, sha256.slice(0, 2), sha256);
    return { plain, framed: `${plain}.br` };
  }
}

/** The compressed blob of a file's content, if that is what it should be. */
async function makeFramed(options: {
  path: string;
  framed: string;
  sha256: string;
  bytes: number;
  mayGoOn: () => boolean;
}): Promise<boolean> {
  const { path, framed, sha256, bytes, mayGoOn } = options;
  const content = openContent(path, bytes);
  if (content === undefined) return false;
  const name = join(dirname(framed), `.frames-${nanoid()}`);
  const hash = createHash('sha256');
  try {
    attempt(() => mkdirSync(dirname(framed), { mode: 0o700 }));
    failpoint('blob.frames.before');
    const isSmaller = await writeFramed(name, content, (frame) => {
      hash.update(frame);
      failpoint('blob.frames.torn');
      return mayGoOn();
    });
    if (!isSmaller || content.size !== bytes || hash.digest('hex') !== sha256) return false;
    const errno = link(name, framed);
    failpoint('blob.frames.after');
    return errno === undefined || errno === 'EEXIST';
  } catch {
    return false;
  } finally {
    content.close();
    attempt(() => rmSync(name, { force: true }));
  }
}

/** The errno where it failed. */
function link(path: string, name: string): string | undefined {
  const errno = attempt(() => linkSync(path, name));
  if (errno !== 'ENOENT') return errno;
  attempt(() => mkdirSync(dirname(name), { mode: 0o700 }));
  return attempt(() => linkSync(path, name));
}

function attempt(act: () => void): string | undefined {
  try {
    act();
    return undefined;
  } catch (error) {
    return errnoOf(error);
  }
}
