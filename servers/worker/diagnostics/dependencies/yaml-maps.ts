/** A mapping of mappings and plain values, which is all that lock files in YAML are made of here. */
export interface YamlMap {
  [key: string]: string | YamlMap;
}

/**
 * Reads the part of YAML that pnpm and yarn write: block mappings by indentation, quoted or plain
 * keys, one-line values. Lists and anything else are left out.
 */
export function parseYamlMaps(text: string): YamlMap {
  const root: YamlMap = Object.create(null);
  const open: { indent: number; map: YamlMap }[] = [{ indent: -1, map: root }];
  for (const line of text.split('\n')) {
    const found = /^( *)("(?:[^"\\]|\\.)*"|'(?:[^']|'')*'|[^\s#'"-][^:]*(?::[^\s:][^:]*)*):(?: (.*))?$/.exec(
      line.trimEnd(),
    );
    if (found === null) continue;
    const indent = found[1]?.length ?? 0;
    while ((open.at(-1)?.indent ?? -1) >= indent) open.pop();
    const parent = open.at(-1)?.map ?? root;
    const key = unquote(found[2] ?? '');
    const value = found[3];
    if (value !== undefined && value !== '') {
      parent[key] = unquote(value);
      continue;
    }
    const map: YamlMap = Object.create(null);
    parent[key] = map;
    open.push({ indent, map });
  }
  return root;
}

export function mapAt(map: YamlMap, key: string): YamlMap {
  const value = map[key];
  return typeof value === 'object' ? value : {};
}

export function textAt(map: YamlMap, key: string): string | undefined {
  const value = map[key];
  return typeof value === 'string' ? value : undefined;
}

function unquote(text: string): string {
  const quoted = /^(["'])(.*)\1$/.exec(text);
  return quoted?.[2] ?? text;
}
