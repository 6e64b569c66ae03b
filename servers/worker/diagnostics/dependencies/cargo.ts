import { parse } from 'smol-toml';
import { z } from 'zod';
import type { Graph } from './graph.ts';

const lockfile = z.object({
  package: z
    .array(
      z.object({
        name: z.string(),
        version: z.string(),
        source: z.string().optional(),
        dependencies: z.array(z.string()).default([]),
      }),
    )
    .default([]),
});

/** Cargo.lock. Packages without a source are the workspace's own. */
export function cargoGraph(text: string): Graph {
  const { package: packages } = lockfile.parse(parse(text));
  const nodes: Graph['nodes'] = new Map();
  const byName = new Map<string, string>();
  for (const { name, version } of packages) byName.set(name, `${name} ${version}`);
  for (const { name, version, dependencies } of packages) {
    // A dependency is `name`, or `name version` where there are several, with a source behind it at times.
    const to = dependencies.map((dependency) => {
      const [wanted = '', exact] = dependency.split(' ');
      return exact === undefined ? (byName.get(wanted) ?? wanted) : `${wanted} ${exact}`;
    });
    nodes.set(`${name} ${version}`, { label: `${name} ${version}`, to });
  }
  const roots = packages
    .filter(({ source }) => source === undefined)
    .map(({ name, version }) => `${name} ${version}`);
  return { kind: 'cargo', roots, nodes };
}
