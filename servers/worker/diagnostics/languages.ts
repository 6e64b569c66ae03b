import { extname, basename, join } from 'node:path';
import { fileSize, listFiles, readSome } from './files.ts';
import { counted, oneLine, size } from './print.ts';
import type { Stage } from './stage.ts';

const linesOfLanguage = 40;
/** Larger files are counted, not read. */
const maxReadBytes = 2 * 1024 * 1024;
const maxTotalBytes = 512 * 1024 * 1024;
const readMs = 30_000;

const byExtension: Readonly<Record<string, string>> = {
  '.ts': 'TypeScript',
  '.tsx': 'TypeScript',
  '.mts': 'TypeScript',
  '.cts': 'TypeScript',
  '.js': 'JavaScript',
  '.jsx': 'JavaScript',
  '.mjs': 'JavaScript',
  '.cjs': 'JavaScript',
  '.py': 'Python',
  '.pyi': 'Python',
  '.rs': 'Rust',
  '.go': 'Go',
  '.java': 'Java',
  '.kt': 'Kotlin',
  '.kts': 'Kotlin',
  '.c': 'C',
  '.h': 'C',
  '.cc': 'C++',
  '.cpp': 'C++',
  '.cxx': 'C++',
  '.hpp': 'C++',
  '.hh': 'C++',
  '.cs': 'C#',
  '.rb': 'Ruby',
  '.php': 'PHP',
  '.swift': 'Swift',
  '.m': 'Objective-C',
  '.scala': 'Scala',
  '.ex': 'Elixir',
  '.exs': 'Elixir',
  '.erl': 'Erlang',
  '.hs': 'Haskell',
  '.ml': 'OCaml',
  '.lua': 'Lua',
  '.pl': 'Perl',
  '.pm': 'Perl',
  '.r': 'R',
  '.jl': 'Julia',
  '.dart': 'Dart',
  '.zig': 'Zig',
  '.sh': 'Shell',
  '.bash': 'Shell',
  '.zsh': 'Shell',
  '.ps1': 'PowerShell',
  '.sql': 'SQL',
  '.html': 'HTML',
  '.css': 'CSS',
  '.scss': 'CSS',
  '.less': 'CSS',
  '.vue': 'Vue',
  '.svelte': 'Svelte',
  '.json': 'JSON',
  '.jsonl': 'JSON',
  '.yaml': 'YAML',
  '.yml': 'YAML',
  '.toml': 'TOML',
  '.xml': 'XML',
  '.md': 'Markdown',
  '.mdx': 'Markdown',
  '.rst': 'reStructuredText',
  '.tex': 'TeX',
  '.txt': 'text',
  '.proto': 'Protobuf',
  '.tf': 'Terraform',
  '.nix': 'Nix',
  '.cmake': 'CMake',
  '.gradle': 'Gradle',
  '.graphql': 'GraphQL',
  '.lock': 'lock files',
};
const byName: Readonly<Record<string, string>> = {
  Makefile: 'Make',
  Dockerfile: 'Docker',
  Justfile: 'Just',
  justfile: 'Just',
};

interface Tally {
  files: number;
  lines: number;
  bytes: number;
}

/** Files, lines and bytes by language. */
export const languages: Stage = async ({ cwd, git, print }) => {
  const listing = await listFiles(cwd, git);
  const tallies = new Map<string, Tally>();
  const deadline = Date.now() + readMs;
  let read = 0;
  let unread = 0;
  for (const { path } of listing.files) {
    const bytes = await fileSize(join(cwd, path));
    if (bytes === undefined) continue;
    const tally = tallies.get(languageOf(path)) ?? { files: 0, lines: 0, bytes: 0 };
    tallies.set(languageOf(path), tally);
    tally.files += 1;
    tally.bytes += bytes;
    if (bytes > maxReadBytes || read > maxTotalBytes || Date.now() > deadline) {
      unread += 1;
      continue;
    }
    const content = await readSome(join(cwd, path), maxReadBytes);
    read += content?.length ?? 0;
    tally.lines += content === undefined ? 0 : linesOf(content);
  }
  const total = [...tallies.values()].reduce((sum, tally) => sum + tally.files, 0);
  print(
    `${counted(total, 'file')}${git === undefined ? '' : ' that git does not ignore'}${listing.cut ? ' (there are more)' : ''}`,
  );
  print(`${'files'.padStart(8)} ${'lines'.padStart(10)} ${'size'.padStart(10)}  language`);
  const rows = [...tallies].sort(
    (a, b) => b[1].lines - a[1].lines || b[1].files - a[1].files || a[0].localeCompare(b[0]),
  );
  for (const [language, tally] of rows.slice(0, linesOfLanguage)) {
    const cells = [
      String(tally.files).padStart(8),
      String(tally.lines).padStart(10),
      size(tally.bytes).padStart(10),
    ];
    print(`${cells.join(' ')}  ${oneLine(language)}`);
  }
  if (rows.length > linesOfLanguage) print(`… and ${rows.length - linesOfLanguage} more`);
  if (unread > 0) print(`${counted(unread, 'file')} too large or too many to count the lines of`);
};

function languageOf(path: string): string {
  const extension = extname(path).toLowerCase();
  return byName[basename(path)] ?? byExtension[extension] ?? (extension === '' ? 'no extension' : extension);
}

/** Lines of a text; a file with a NUL near its start is binary and has none. */
function linesOf(content: Buffer): number {
  if (content.subarray(0, 8000).includes(0)) return 0;
  let lines = 0;
  for (let at = content.indexOf(10); at !== -1; at = content.indexOf(10, at + 1)) lines += 1;
  return lines + (content.length > 0 && content[content.length - 1] !== 10 ? 1 : 0);
}
