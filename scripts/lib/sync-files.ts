import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';

/** Paths under `root` whose file is not `text`, byte for byte; with `write` they are written. */
export async function syncFiles(
  root: string,
  files: ReadonlyMap<string, string>,
  { write }: { write: boolean },
): Promise<string[]> {
  const stale: string[] = [];
  for (const [path, text] of files) {
    const file = join(root, path);
    if ((await readFile(file, 'utf8').catch(() => undefined)) === text) continue;
    stale.push(path);
    if (!write) continue;
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, text);
  }
  return stale;
}
