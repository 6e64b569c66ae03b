import { lstat, open, opendir } from 'node:fs/promises';
import { join } from 'node:path';
import { constants } from 'node:fs';
import type { Git } from './git.ts';

/** Enough for every repository but the largest; those are cut, and the output says so. */
const maxFiles = 100_000;
const maxDepth = 40;
/** Folders that hold what others wrote. */
const skipped = new Set([
  '.git',
  '.hg',
  '.svn',
  'node_modules',
  '.venv',
  'venv',
  '__pycache__',
  'target',
  '.tox',
  '.runs',
]);

export interface Listing {
  /** Paths relative to the folder, sorted. */
  files: { path: string; tracked: boolean }[];
  cut: boolean;
}

/** The files of a folder: what git tracks and does not ignore, or a walk where there is no git. */
export async function listFiles(cwd: string, git: Git | undefined): Promise<Listing> {
  if (git === undefined) return walk(cwd);
  const tracked = await git(['ls-files', '-z']);
  const others = await git(['ls-files', '-z', '--others', '--exclude-standard']);
  const paths = [...new Set(names(tracked.stdout)).values()].map((path) => ({ path, tracked: true }));
  const files = [...paths, ...names(others.stdout).map((path) => ({ path, tracked: false }))];
  return { files: files.slice(0, maxFiles), cut: tracked.cut || others.cut || files.length > maxFiles };
}

/** A cut answer may end within a name: what has no NUL behind it is left out. */
function names(stdout: string): string[] {
  return stdout.split('\0').slice(0, -1);
}

async function walk(cwd: string): Promise<Listing> {
  const listing: Listing = { files: [], cut: false };
  const visit = async (folder: string, depth: number): Promise<void> => {
    const entries = await opendir(join(cwd, folder)).catch(() => undefined);
    if (entries === undefined) return;
    for await (const entry of entries) {
      const path = folder === '' ? entry.name : `${folder}/${entry.name}`;
      if (listing.files.length >= maxFiles || (entry.isDirectory() && depth >= maxDepth)) {
        listing.cut = true;
        return;
      }
      if (entry.isFile()) listing.files.push({ path, tracked: false });
      else if (entry.isDirectory() && !skipped.has(entry.name)) await visit(path, depth + 1);
    }
  };
  await visit('', 0);
  listing.files.sort((a, b) => a.path.localeCompare(b.path));
  return listing;
}

/** Size of a regular file; undefined for links, pipes and what is gone. */
export async function fileSize(path: string): Promise<number | undefined> {
  const stat = await lstat(path).catch(() => undefined);
  return stat?.isFile() === true ? stat.size : undefined;
}

/** Up to `maxBytes` of a regular file, not following a link; undefined where there is none. */
export async function readSome(path: string, maxBytes: number): Promise<Buffer | undefined> {
  const { O_RDONLY, O_NOFOLLOW, O_NONBLOCK } = constants;
  const file = await open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK).catch(() => undefined);
  if (file === undefined) return undefined;
  try {
    const stat = await file.stat();
    if (!stat.isFile()) return undefined;
    const bytes = Buffer.alloc(Math.min(maxBytes, stat.size));
    const { bytesRead } = await file.read(bytes, 0, bytes.length, 0);
    return bytes.subarray(0, bytesRead);
  } finally {
    await file.close();
  }
}

/** A text file of reasonable size; undefined where it is missing or larger. */
export async function readText(path: string, maxBytes = 32 * 1024 * 1024): Promise<string | undefined> {
  const bytes = await readSome(path, maxBytes + 1);
  return bytes === undefined || bytes.length > maxBytes ? undefined : bytes.toString('utf8');
}
