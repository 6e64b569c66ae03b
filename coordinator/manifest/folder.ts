import { constants } from 'node:fs';
import { lstat, mkdir, open, rename, rm, rmdir, unlink, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';

/**
 * A folder held open. Paths of what is in it go through the open descriptor where the system has
 * /proc (Linux), so that replacing a folder above by a symbolic link leads nowhere; elsewhere each
 * step is checked just before it is used.
 */
export interface Folder {
  /** The folder `name` in it, made where it is missing. Raises ELOOP or ENOTDIR where something else is there. */
  enter(name: string): Promise<Folder>;
  /** The folder `name` in it; undefined where there is none of that name. */
  find(name: string): Promise<Folder | undefined>;
  /** Removes a file, or a folder that is empty; anything else stays. */
  remove(name: string): Promise<void>;
  /** Writes a file whole or not at all; a link of that name is replaced, never followed. */
  write(name: string, text: string): Promise<void>;
  /** Writes a file unless something of that name is there. */
  writeNew(name: string, text: string): Promise<void>;
  /** A file to read and write, made where it is missing; what is no plain file of one name makes way for it. */
  openPart(name: string): Promise<FileHandle>;
  /** Gives a file another name; what has that name is replaced. */
  rename(from: string, to: string): Promise<void>;
  close(): Promise<void>;
}

const asFolder = constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW;
const partFile = constants.O_RDWR | constants.O_CREAT | constants.O_NOFOLLOW | constants.O_NONBLOCK;
const newFile = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;

/** Opens a folder that is there; the last step of the path may not be a link. */
export async function openFolder(path: string): Promise<Folder> {
  return folderAt(await open(path, asFolder), path);
}

function folderAt(handle: FileHandle, path: string): Folder {
  const base = process.platform === 'linux' ? `/proc/self/fd/${String(handle.fd)}` : path;
  const within = async (name: string): Promise<string> => {
    if (base === path && !(await lstat(path)).isDirectory()) throw notFolder(path);
    return join(base, name);
  };
  return {
    async enter(name) {
      const target = await within(name);
      await mkdir(target, { mode: 0o755 }).catch(unlessThere);
      return folderAt(await open(target, asFolder), join(path, name));
    },
    async find(name) {
      const found = await open(await within(name), asFolder).catch(() => undefined);
      return found && folderAt(found, join(path, name));
    },
    async remove(name) {
      const target = await within(name);
      await unlink(target).catch(() => rmdir(target).catch(() => undefined));
    },
    async write(name, text) {
      const beside = await within(`.${name}.new`);
      await writeWhole(beside, text).catch(async (error: unknown) => {
        unlessThere(error);
        // Left by a crash, or laid there by a run: gone either way, and never followed.
        await rm(beside, { force: true });
        await writeWhole(beside, text);
      });
      await rename(beside, await within(name));
    },
    async writeNew(name, text) {
      await writeWhole(await within(name), text).catch(unlessThere);
    },
    async openPart(name) {
      const path = await within(name);
      const file = await open(path, partFile, 0o644).catch(() => undefined);
      const stat = await file?.stat();
      if (file !== undefined && stat?.isFile() === true && stat.nlink === 1) return file;
      await file?.close();
      await rm(path, { force: true });
      return open(
        path,
        constants.O_RDWR | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW,
        0o644,
      );
    },
    rename: async (from, to) => rename(await within(from), await within(to)),
    close: () => handle.close(),
  };
}

async function writeWhole(path: string, text: string): Promise<void> {
  const file = await open(path, newFile, 0o644);
  try {
    await file.writeFile(text);
  } finally {
    await file.close();
  }
}

function unlessThere(error: unknown): void {
  if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error;
}

function notFolder(path: string): Error {
  return Object.assign(new Error(`${path} is no folder`), { code: 'ENOTDIR' });
}
