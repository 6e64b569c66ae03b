import { join } from 'node:path';
import { fileSize, listFiles } from './files.ts';
import { counted, printRanking, size } from './print.ts';
import type { Stage } from './stage.ts';

const shown = 25;

/** The largest files, those git tracks and the others apart. */
export const largeFiles: Stage = async ({ cwd, git, print }) => {
  const listing = await listFiles(cwd, git);
  const sized: { path: string; tracked: boolean; bytes: number }[] = [];
  for (const file of listing.files) {
    const bytes = await fileSize(join(cwd, file.path));
    if (bytes !== undefined) sized.push({ ...file, bytes });
  }
  sized.sort((a, b) => b.bytes - a.bytes || a.path.localeCompare(b.path));
  const groups =
    git === undefined
      ? [{ title: 'files', tracked: false }]
      : [
          { title: 'tracked files', tracked: true },
          { title: 'untracked files (not ignored)', tracked: false },
        ];
  for (const { title, tracked } of groups) {
    const files = sized.filter((file) => file.tracked === tracked);
    const total = files.reduce((sum, file) => sum + file.bytes, 0);
    print(
      `${title}: ${counted(files.length, 'file')}, ${size(total)}${listing.cut ? ' (there are more)' : ''}`,
    );
    printRanking(
      print,
      files.slice(0, shown).map((file) => [size(file.bytes), file.path]),
    );
  }
};
