/**
 * Draws which top folder imports which, from the imports as they are, into ARCHITECTURE.md;
 * `--check` only compares.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { root, run } from './lib/process.mjs';

const folders = ['schemas', 'core', 'platform', 'mcp', 'servers', 'coordinator', 'cli', 'stubs'];
const begin = '<!-- graph: drawn by scripts/graph.mjs -->';
const end = '<!-- /graph -->';

async function readEdges() {
  const cruiser = join(root, 'node_modules', 'dependency-cruiser', 'bin', 'dependency-cruise.mjs');
  const args = [cruiser, '--config', '.dependency-cruiser.cjs', '--output-type', 'json', ...folders];
  const { output } = await run(process.execPath, args);
  const { modules } = JSON.parse(output);
  const edges = new Set();
  for (const { source, dependencies } of modules) {
    for (const { resolved } of dependencies) {
      const [from] = source.split('/');
      const [to] = resolved.split('/');
      if (from !== to && folders.includes(from) && folders.includes(to)) edges.add(`${from} --> ${to}`);
    }
  }
  return [...edges];
}

/** Edges that a longer way does not already imply, so that the picture stays readable. */
function reduce(edges) {
  const next = new Map(folders.map((folder) => [folder, []]));
  for (const edge of edges) {
    const [from, to] = edge.split(' --> ');
    next.get(from).push(to);
  }
  const reaches = (from, to) => next.get(from).some((middle) => middle === to || reaches(middle, to));
  return edges.filter((edge) => {
    const [from, to] = edge.split(' --> ');
    return !next.get(from).some((middle) => middle !== to && reaches(middle, to));
  });
}

const rank = (edge) => {
  const [from, to] = edge.split(' --> ');
  return folders.indexOf(from) * folders.length + folders.indexOf(to);
};
const edges = reduce(await readEdges()).sort((a, b) => rank(a) - rank(b));
const alone = folders.filter((folder) => !edges.some((edge) => edge.split(' --> ').includes(folder)));
const drawing = ['```mermaid', 'graph TD', ...[...edges, ...alone].map((line) => `  ${line}`), '```'].join(
  '\n',
);

const file = join(root, 'ARCHITECTURE.md');
const text = readFileSync(file, 'utf8');
const from = text.indexOf(begin);
const to = text.indexOf(end);
if (from < 0 || to < 0) throw new Error(`ARCHITECTURE.md has lost its lines ${begin} and ${end}`);
const fresh = `${text.slice(0, from)}${begin}\n\n${drawing}\n\n${text.slice(to)}`;
if (process.argv[2] !== '--check') {
  writeFileSync(file, fresh);
} else if (fresh !== text) {
  console.error('The graph in ARCHITECTURE.md is not the graph of the imports.');
  process.exitCode = 1;
}
