import { z } from 'zod';
import { flatGraph, type Graph } from './graph.ts';

const versions = z.record(z.string(), z.string()).optional().catch(undefined);
/** The parts of package.json that name other packages. */
export const packageJson = z.object({
  dependencies: versions,
  devDependencies: versions,
  optionalDependencies: versions,
  peerDependencies: versions,
});

export const dependencyKinds = [
  'dependencies',
  'devDependencies',
  'optionalDependencies',
  'peerDependencies',
] as const;

/** Direct dependencies by name and range; there is no lock file to tell more. */
export function manifestGraph(text: string): Graph {
  const manifest = packageJson.parse(JSON.parse(text));
  const labels = dependencyKinds.flatMap((kind) =>
    Object.entries(manifest[kind] ?? {}).map(
      ([name, range]) => `${name} ${range}${kind === 'dependencies' ? '' : ` (${kind})`}`,
    ),
  );
  return flatGraph('package.json', labels);
}
