import type { Graph } from './graph.ts';
import { dependencyKinds, packageJson } from './package-json.ts';
import { mapAt, parseYamlMaps, textAt, type YamlMap } from './yaml-maps.ts';

/** yarn.lock, classic and berry. Which packages are direct is in package.json alone. */
export function yarnGraph(text: string, manifestText: string): Graph {
  const lock = parseYamlMaps(asYaml(text));
  const byRequest = new Map<string, string>();
  const nodes: Graph['nodes'] = new Map();
  const entries: { id: string; entry: YamlMap }[] = [];
  for (const [key, entry] of Object.entries(lock)) {
    if (typeof entry === 'string' || key === '__metadata') continue;
    const requests = key.split(/, */).map((request) => request.replace(/^"|"$/g, ''));
    const name = (requests[0] ?? '').replace(/(.)@.*$/, '$1');
    const id = `${name} ${textAt(entry, 'version') ?? ''}`;
    for (const request of requests) byRequest.set(withoutProtocol(request), id);
    entries.push({ id, entry });
  }
  const lookUp = (name: string, range: string) => byRequest.get(withoutProtocol(`${name}@${range}`));
  for (const { id, entry } of entries) {
    const wanted = Object.entries({
      ...mapAt(entry, 'dependencies'),
      ...mapAt(entry, 'optionalDependencies'),
    });
    const to = wanted.flatMap(([name, range]) =>
      typeof range === 'string' ? (lookUp(name, range) ?? []) : [],
    );
    nodes.set(id, { label: id, to });
  }
  const manifest = packageJson.parse(JSON.parse(manifestText));
  const direct = dependencyKinds.flatMap((kind) => Object.entries(manifest[kind] ?? {}));
  return {
    kind: 'yarn',
    roots: [...new Set(direct.map(([name, range]) => lookUp(name, range) ?? `${name} ${range}`))],
    nodes,
  };
}

/** Classic files write `name "range"` where YAML has `name: "range"`. */
function asYaml(text: string): string {
  return text
    .replace(/^( +)("[^"]+"|[^\s":]+) ("[^"\n]*"|[^\s"]+)$/gm, '$1$2: $3')
    .replace(/^(\S[^\n]*, [^\n]*):$/gm, (_, keys: string) => {
      return `"${keys.replaceAll('"', '')}":`;
    });
}

function withoutProtocol(request: string): string {
  return request.replace(/(.)@npm:/, '$1@');
}
