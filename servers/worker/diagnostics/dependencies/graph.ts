import { counted, oneLine, type Print } from '../print.ts';

/** What depends on what; ids are an ecosystem's own (a path, `name@version`). */
export interface Graph {
  kind: string;
  roots: string[];
  nodes: Map<string, { label: string; to: string[] }>;
}

const maxLines = 400;
const maxDepth = 6;

/** As an indented tree; what was printed before is named again, but not opened again. */
export function printGraph(print: Print, graph: Graph): void {
  print(`  ${graph.kind}: ${graph.roots.length} direct, ${counted(graph.nodes.size, 'package')} in all`);
  const opened = new Set<string>();
  let lines = 0;
  const visit = (id: string, depth: number): void => {
    lines += 1;
    if (lines > maxLines) return;
    const node = graph.nodes.get(id);
    const more = node !== undefined && node.to.length > 0;
    const mark = !more ? '' : opened.has(id) ? ' (above)' : depth >= maxDepth ? ' …' : '';
    print(`  ${'  '.repeat(depth)}${oneLine(node?.label ?? id)}${mark}`);
    if (!more || mark !== '') return;
    opened.add(id);
    for (const next of node.to) visit(next, depth + 1);
  };
  for (const root of graph.roots) visit(root, 1);
  if (lines > maxLines) print(`  … and ${lines - maxLines} more lines`);
}

/** A flat list: what a manifest without a lock file tells. */
export function flatGraph(kind: string, labels: readonly string[]): Graph {
  return { kind, roots: [...labels], nodes: new Map(labels.map((label) => [label, { label, to: [] }])) };
}
