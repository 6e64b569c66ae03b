import { constants, type Dirent } from 'node:fs';
import { lstat, open, readdir, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import {
  isWhole,
  matchedNothing,
  matchStep,
  type ArtifactPattern,
  type Matched,
} from '../../../core/artifact-pattern.ts';
import { sanitize } from '../../../core/sanitize.ts';

/** A regular file that a pattern names, open to be read. Whoever takes it closes it. */
export interface FoundFile {
  /** From the folder searched. */
  name: string;
  file: FileHandle;
  bytes: number;
}

/** What was there and not taken. */
export interface LeftOut {
  /** Links, hard ones too, pipes, devices, sockets, and names that cannot be shown. */
  special: number;
  /** Whether the tree is larger than what is searched. */
  isCut: boolean;
}

/** Entries looked at; a tree of more is not searched to its end. */
const maxEntries = 20_000;
const maxDepth = 32;
const maxNameBytes = 500;
/** What Git and the fleet keep for themselves. */
const neverEntered = new Set(['.git', '.runs']);

const asFolder = constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW;
const asFile = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;

interface Search {
  patterns: readonly ArtifactPattern[];
  leftOut: LeftOut;
  entries: number;
}

/**
 * The files below a folder that patterns name, by name. Nothing is followed out of it: each folder is
 * held open while it is searched, and where the system has /proc (Linux) all in it is reached through
 * that descriptor, so that replacing a folder by a link leads nowhere. Files of a second name are left
 * out: they may be anybody's.
 */
export async function* findFiles(
  root: string,
  patterns: readonly ArtifactPattern[],
  leftOut: LeftOut,
): AsyncGenerator<FoundFile> {
  const search = { patterns, leftOut, entries: 0 };
  const top = await open(root, asFolder).catch(() => undefined);
  if (top !== undefined)
    yield* filesIn({ folder: top, path: root, name: '' }, patterns.map(matchedNothing), search, 0);
}

interface Place {
  folder: FileHandle;
  path: string;
  name: string;
}

async function* filesIn(
  place: Place,
  matched: readonly Matched[],
  search: Search,
  depth: number,
): AsyncGenerator<FoundFile> {
  const { folder, path, name } = place;
  const { leftOut, patterns } = search;
  try {
    const base = process.platform === 'linux' ? `/proc/self/fd/${String(folder.fd)}` : path;
    for (const entry of await entriesOf(base)) {
      search.entries += 1;
      if (search.entries > maxEntries || depth > maxDepth) {
        leftOut.isCut = true;
        return;
      }
      const next = patterns.map((pattern, at) => matchStep(pattern, matched[at] ?? new Set(), entry.name));
      const inner = join(base, entry.name);
      const shown = name === '' ? entry.name : `${name}/${entry.name}`;
      if (entry.isDirectory()) {
        if (neverEntered.has(entry.name) || next.every((one) => one.size === 0)) continue;
        const below = await open(inner, asFolder).catch(() => undefined);
        if (below === undefined) continue;
        const place = { folder: below, path: join(path, entry.name), name: shown };
        yield* filesIn(place, next, search, depth + 1);
      } else if (patterns.some((pattern, at) => isWhole(pattern, next[at] ?? new Set()))) {
        const found = isShowable(shown) && entry.isFile() ? await openFile(inner) : undefined;
        if (found === undefined) leftOut.special += 1;
        else yield { name: shown, ...found };
      }
    }
  } finally {
    await folder.close();
  }
}

async function entriesOf(folder: string): Promise<Dirent[]> {
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => []);
  return entries.sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** Looked at again once it is open: it may have been replaced. */
async function openFile(path: string): Promise<Omit<FoundFile, 'name'> | undefined> {
  if ((await lstat(path).catch(() => undefined))?.isFile() !== true) return undefined;
  const file = await open(path, asFile).catch(() => undefined);
  const stat = await file?.stat().catch(() => undefined);
  if (file !== undefined && stat?.isFile() === true && stat.nlink === 1) return { file, bytes: stat.size };
  await file?.close();
  return undefined;
}

function isShowable(name: string): boolean {
  return Buffer.byteLength(name) <= maxNameBytes && sanitize(name) === name && !name.includes('\n');
}
