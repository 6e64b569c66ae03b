import { parse } from 'smol-toml';
import { z } from 'zod';
import { flatGraph, type Graph } from './graph.ts';

const named = z.array(z.object({ name: z.string() }));
const lockfile = z.object({
  package: z
    .array(
      z.object({
        name: z.string(),
        version: z.string().default(''),
        /** uv: a list of tables; poetry: a table by name. */
        dependencies: z.union([named, z.record(z.string(), z.unknown())]).default([]),
        source: z
          .object({ editable: z.string().optional(), virtual: z.string().optional() })
          .optional()
          .catch(undefined),
      }),
    )
    .default([]),
});

/** uv.lock and poetry.lock. Where no package is the project's own, those nobody needs are the roots. */
export function tomlLockGraph(text: string): Graph {
  const { package: packages } = lockfile.parse(parse(text));
  const nodes: Graph['nodes'] = new Map();
  const needed = new Set<string>();
  for (const { name, version, dependencies } of packages) {
    const to = (
      Array.isArray(dependencies) ? dependencies.map((one) => one.name) : Object.keys(dependencies)
    ).map(normalName);
    for (const id of to) needed.add(id);
    nodes.set(normalName(name), { label: `${name} ${version}`.trim(), to });
  }
  const own = packages.filter(
    ({ source }) => source?.editable !== undefined || source?.virtual !== undefined,
  );
  const roots =
    own.length > 0
      ? own.map(({ name }) => normalName(name))
      : [...nodes.keys()].filter((id) => !needed.has(id));
  return { kind: 'python', roots, nodes };
}

const specifiers = z.array(z.string()).default([]);
const pyproject = z.object({
  project: z
    .object({
      dependencies: specifiers,
      'optional-dependencies': z.record(z.string(), specifiers).default({}),
    })
    .optional(),
  tool: z
    .object({ poetry: z.object({ dependencies: z.record(z.string(), z.unknown()).default({}) }).optional() })
    .optional(),
});

/** Direct dependencies of pyproject.toml, the standard's and poetry's. */
export function pyprojectGraph(text: string): Graph {
  const { project, tool } = pyproject.parse(parse(text));
  const optional = Object.entries(project?.['optional-dependencies'] ?? {});
  return flatGraph('python', [
    ...(project?.dependencies ?? []),
    ...optional.flatMap(([extra, names]) => names.map((name) => `${name} (${extra})`)),
    ...Object.entries(tool?.poetry?.dependencies ?? {}).map(([name, range]) =>
      typeof range === 'string' ? `${name} ${range}` : name,
    ),
  ]);
}

/** The requirements of a requirements file; options and comments are left out. */
export function requirementsGraph(text: string): Graph {
  const lines = text.split('\n').map((line) => line.replace(/(?:^|\s)#.*$/, '').trim());
  return flatGraph(
    'python',
    lines.filter((line) => line !== '' && !line.startsWith('-')),
  );
}

/** PEP 503: runs of `-`, `_` and `.` are one `-`, and case does not count. */
function normalName(name: string): string {
  return name.toLowerCase().replace(/[-_.]+/g, '-');
}
