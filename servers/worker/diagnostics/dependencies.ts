import { basename, dirname, join } from 'node:path';
import { cargoGraph } from './dependencies/cargo.ts';
import { goGraph } from './dependencies/go.ts';
import { printGraph, type Graph } from './dependencies/graph.ts';
import { npmGraph } from './dependencies/npm.ts';
import { pnpmGraph } from './dependencies/pnpm.ts';
import { pyprojectGraph, requirementsGraph, tomlLockGraph } from './dependencies/python.ts';
import { manifestGraph } from './dependencies/package-json.ts';
import { yarnGraph } from './dependencies/yarn.ts';
import { listFiles, readText } from './files.ts';
import { oneLine } from './print.ts';
import type { Stage } from './stage.ts';

const maxSources = 30;
const maxDepth = 4;

/** Reads the text of a lock file or manifest; `sibling` gives another file of the same folder. */
type Reader = (
  text: string,
  sibling: (name: string) => Promise<string | undefined>,
) => Promise<Graph> | Graph;

/** In each group the first file present tells most, and the others of its folder are passed over. */
const groups: readonly (readonly (readonly [string, Reader])[])[] = [
  [
    ['package-lock.json', npmGraph],
    ['npm-shrinkwrap.json', npmGraph],
    ['pnpm-lock.yaml', pnpmGraph],
    ['yarn.lock', async (text, sibling) => yarnGraph(text, (await sibling('package.json')) ?? '{}')],
    ['package.json', manifestGraph],
  ],
  [['Cargo.lock', cargoGraph]],
  [['go.mod', goGraph]],
  [
    ['uv.lock', tomlLockGraph],
    ['poetry.lock', tomlLockGraph],
    ['pyproject.toml', pyprojectGraph],
    ['requirements.txt', requirementsGraph],
  ],
];

/** Dependency trees, read from lock files where there are any, else from manifests. Runs no package manager. */
export const dependencies: Stage = async ({ cwd, git, print }) => {
  const listing = await listFiles(cwd, git);
  const present = new Set(
    listing.files.map((file) => file.path).filter((path) => path.split('/').length <= maxDepth),
  );
  const sources = findSources(present);
  if (sources.length === 0) print('No lock file or manifest of npm, pnpm, yarn, cargo, go or Python.');
  for (const { path, read } of sources.slice(0, maxSources)) {
    const sibling = (name: string) => readText(join(cwd, dirname(path), name));
    const text = await readText(join(cwd, path));
    if (text === undefined) continue;
    print(oneLine(path));
    try {
      printGraph(print, await read(text, sibling));
    } catch (error) {
      // A broken lock file is a finding about the repository, not a failure of this program.
      print(
        `  cannot be read: ${oneLine(error instanceof Error ? (error.message.split('\n')[0] ?? '') : '')}`,
      );
    }
  }
  if (sources.length > maxSources) print(`… and ${sources.length - maxSources} more files`);
};

function findSources(present: ReadonlySet<string>): { path: string; read: Reader }[] {
  const folders = [...new Set([...present].map((path) => dirname(path)))].sort(
    (a, b) => a.split('/').length - b.split('/').length || a.localeCompare(b),
  );
  return folders.flatMap((folder) =>
    groups.flatMap((group) => {
      const found = group.find(([name]) => present.has(folder === '.' ? name : `${folder}/${name}`));
      if (found === undefined || (folder !== '.' && isWorkspaceOf(basename(found[0]), present))) return [];
      return [{ path: folder === '.' ? found[0] : `${folder}/${found[0]}`, read: found[1] }];
    }),
  );
}

/** A package.json below a lock file at the top is told of there. */
function isWorkspaceOf(name: string, present: ReadonlySet<string>): boolean {
  return (
    name === 'package.json' &&
    ['package-lock.json', 'pnpm-lock.yaml', 'yarn.lock'].some((lock) => present.has(lock))
  );
}
