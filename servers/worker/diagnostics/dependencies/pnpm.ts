import type { Graph } from './graph.ts';
import { mapAt, parseYamlMaps, textAt, type YamlMap } from './yaml-maps.ts';

/** pnpm-lock.yaml, versions 6 to 9. */
export function pnpmGraph(text: string): Graph {
  const lock = parseYamlMaps(text);
  const importers =
    Object.keys(mapAt(lock, 'importers')).length > 0 ? Object.values(mapAt(lock, 'importers')) : [lock];
  const nodes: Graph['nodes'] = new Map();
  for (const section of ['packages', 'snapshots']) {
    for (const [key, entry] of Object.entries(mapAt(lock, section))) {
      const id = key.replace(/^\//, '');
      const to = typeof entry === 'object' ? targets(entry) : [];
      nodes.set(id, { label: id.replace(/\(.*$/, '').replace(/(.)@(?=[^@]*$)/, '$1 '), to });
    }
  }
  const roots = new Set(
    importers.flatMap((importer) => (typeof importer === 'object' ? importerTargets(importer) : [])),
  );
  return { kind: 'pnpm', roots: [...roots], nodes };
}

function importerTargets(importer: YamlMap): string[] {
  return ['dependencies', 'devDependencies', 'optionalDependencies'].flatMap((kind) =>
    Object.entries(mapAt(importer, kind)).map(([name, entry]) => {
      const version = typeof entry === 'object' ? (textAt(entry, 'version') ?? '') : entry;
      return idOf(name, version);
    }),
  );
}

function targets(entry: YamlMap): string[] {
  return ['dependencies', 'optionalDependencies'].flatMap((kind) =>
    Object.entries(mapAt(entry, kind)).flatMap(([name, version]) =>
      typeof version === 'string' ? idOf(name, version) : [],
    ),
  );
}

/** A version may itself name another package: an alias. */
function idOf(name: string, version: string): string {
  const plain = version.replace(/^\//, '');
  return /^@?[^@(]+@/.test(plain) ? plain : `${name}@${plain}`;
}
