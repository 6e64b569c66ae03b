import { join } from 'node:path';
import { parse } from 'smol-toml';
import { z } from 'zod';
import { listFiles, readText } from './files.ts';
import { oneLine, type Print } from './print.ts';
import type { Stage } from './stage.ts';

const maxBytes = 1024 * 1024;
const maxFolders = 40;
const maxDepth = 3;
const shownScripts = 80;
const shownChars = 160;

type Lister = (text: string) => (readonly [string, string])[];

const listers: Readonly<Record<string, Lister>> = {
  'package.json': packageScripts,
  'composer.json': packageScripts,
  'pyproject.toml': pyprojectScripts,
  'Cargo.toml': cargoTargets,
  Makefile: makeTargets,
  makefile: makeTargets,
  GNUmakefile: makeTargets,
  justfile: justRecipes,
  Justfile: justRecipes,
  'deno.json': (text) => entriesOf(z.object({ tasks: table }).parse(JSON.parse(text)).tasks),
  'Taskfile.yml': yamlTasks,
  'Taskfile.yaml': yamlTasks,
};

/** Scripts, targets and recipes the repository declares. They are its code: listed, never run. */
export const scripts: Stage = async ({ cwd, git, print }) => {
  const listing = await listFiles(cwd, git);
  const paths = listing.files
    .map((file) => file.path)
    .filter((path) => path.split('/').length <= maxDepth && listerOf(path) !== undefined)
    .sort((a, b) => a.split('/').length - b.split('/').length || a.localeCompare(b));
  for (const path of paths.slice(0, maxFolders)) await printScripts(print, join(cwd, path), path);
  if (paths.length > maxFolders) print(`… and ${paths.length - maxFolders} more files`);
  const workflows = listing.files.filter((file) => /^\.github\/workflows\/[^/]+\.ya?ml$/.test(file.path));
  for (const { path } of workflows) print(`workflow ${oneLine(path)}`);
  if (paths.length + workflows.length === 0) print('No declared scripts found.');
};

function listerOf(path: string): Lister | undefined {
  const name = path.slice(path.lastIndexOf('/') + 1);
  return Object.hasOwn(listers, name) ? listers[name] : undefined;
}

async function printScripts(print: Print, file: string, path: string): Promise<void> {
  const text = await readText(file, maxBytes);
  const lister = listerOf(path);
  if (text === undefined || lister === undefined) return;
  let found: (readonly [string, string])[];
  try {
    found = lister(text);
  } catch {
    print(`${oneLine(path)}: cannot be read`);
    return;
  }
  if (found.length === 0) return;
  print(oneLine(path));
  for (const [name, command] of found.slice(0, shownScripts)) {
    const line = oneLine(command === '' ? name : `${name}: ${command}`);
    print(`  ${line.length > shownChars ? `${line.slice(0, shownChars)}…` : line}`);
  }
  if (found.length > shownScripts) print(`  … and ${found.length - shownScripts} more`);
}

const table = z.record(z.string(), z.unknown()).default({});

function entriesOf(record: Record<string, unknown>): (readonly [string, string])[] {
  return Object.entries(record).map(
    ([name, value]) => [name, typeof value === 'string' ? value : JSON.stringify(value)] as const,
  );
}

function packageScripts(text: string): (readonly [string, string])[] {
  return entriesOf(z.object({ scripts: table }).parse(JSON.parse(text)).scripts);
}

function pyprojectScripts(text: string): (readonly [string, string])[] {
  const part = z.object({ scripts: table, tasks: table }).optional();
  const tools = z.object({ poetry: part, pdm: part, taskipy: part }).optional();
  const found = z.object({ project: part, tool: tools }).parse(parse(text));
  return [found.project, found.tool?.poetry, found.tool?.pdm, found.tool?.taskipy].flatMap((declared) => [
    ...entriesOf(declared?.scripts ?? {}),
    ...entriesOf(declared?.tasks ?? {}),
  ]);
}

function cargoTargets(text: string): (readonly [string, string])[] {
  const targets = z
    .array(z.object({ name: z.string().default(''), path: z.string().default('') }))
    .default([]);
  const found = z.object({ bin: targets, example: targets, bench: targets }).parse(parse(text));
  return [
    ...found.bin.map((target) => [`bin ${target.name}`, target.path] as const),
    ...found.example.map((target) => [`example ${target.name}`, target.path] as const),
    ...found.bench.map((target) => [`bench ${target.name}`, target.path] as const),
  ];
}

/** Explicit targets; pattern rules, variables and special targets are left out. */
function makeTargets(text: string): (readonly [string, string])[] {
  const names = [...text.matchAll(/^([A-Za-z0-9][\w./-]*(?: [\w./-]+)*) *::?(?!=) *([^\n=]*)$/gm)];
  return names.map((found) => [found[1] ?? '', (found[2] ?? '').trim()] as const);
}

function justRecipes(text: string): (readonly [string, string])[] {
  return [...text.matchAll(/^@?([A-Za-z_][\w-]*)((?: [^:\n]*)?):(?!=)[^\n]*$/gm)].map(
    (found) => [`${found[1]}${found[2]}`, ''] as const,
  );
}

/** Names directly under `tasks:`. */
function yamlTasks(text: string): (readonly [string, string])[] {
  const lines = text.split('\n');
  const start = lines.indexOf('tasks:') + 1;
  const after = lines.findIndex((line, at) => at >= start && /^[^\s#]/.test(line));
  const body = start === 0 ? [] : lines.slice(start, after === -1 ? undefined : after);
  return body.flatMap((line) => {
    const name = /^ {2}([\w:-]+):/.exec(line)?.[1];
    return name === undefined ? [] : [[name, ''] as const];
  });
}
