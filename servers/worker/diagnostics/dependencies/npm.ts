import { z } from 'zod';
import type { Graph } from './graph.ts';
import { dependencyKinds, packageJson } from './package-json.ts';

const lockfile = z.object({
  packages: z.record(
    z.string(),
    packageJson.extend({
      version: z.string().optional(),
      name: z.string().optional(),
      link: z.boolean().optional(),
      resolved: z.string().optional(),
      dev: z.boolean().optional(),
    }),
  ),
});
type Packages = z.infer<typeof lockfile>['packages'];

/** npm's lock file, version 2 or 3: packages by where they are installed. */
export function npmGraph(text: string): Graph {
  const { packages } = lockfile.parse(JSON.parse(text));
  const nodes: Graph['nodes'] = new Map();
  for (const [path, entry] of Object.entries(packages)) {
    if (path === '') continue;
    const name =
      entry.name ?? path.slice(path.lastIndexOf('node_modules/') + (path.includes('node_modules/') ? 13 : 1));
    const version = entry.link === true ? `→ ${entry.resolved ?? ''}` : (entry.version ?? '');
    nodes.set(path, {
      label: `${name} ${version}${entry.dev === true ? ' (dev)' : ''}`,
      to: targets(packages, path, entry.link === true),
    });
  }
  const workspaces = Object.keys(packages).filter((path) => path !== '' && !path.includes('node_modules/'));
  return { kind: 'npm', roots: [...targets(packages, '', false), ...workspaces], nodes };
}

function targets(packages: Packages, path: string, isLink: boolean): string[] {
  const entry = packages[path];
  if (entry === undefined || isLink) return [];
  const kinds = path.includes('node_modules/')
    ? (['dependencies', 'optionalDependencies'] as const)
    : dependencyKinds;
  const wanted = new Set(kinds.flatMap((kind) => Object.keys(entry[kind] ?? {})));
  return [...wanted].flatMap((name) => resolve(packages, path, name) ?? []);
}

/** Node's own rule: the nearest node_modules upwards. */
function resolve(packages: Packages, from: string, name: string): string | undefined {
  let folder = from;
  for (;;) {
    const candidate = `${folder === '' ? '' : `${folder}/`}node_modules/${name}`;
    if (Object.hasOwn(packages, candidate)) return candidate;
    if (folder === '') return undefined;
    const up = folder.lastIndexOf('/node_modules/');
    folder = up === -1 ? '' : folder.slice(0, up);
  }
}
