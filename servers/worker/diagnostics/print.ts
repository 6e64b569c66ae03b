/** What a stage writes: plain lines. */
export type Print = (line: string) => void;

/** Rows under right-aligned numbers: `     12  text`. */
export function printRanking(print: Print, rows: readonly (readonly [number | string, string])[]): void {
  const width = Math.max(...rows.map(([value]) => String(value).length), 1);
  for (const [value, text] of rows) print(`  ${String(value).padStart(width)}  ${oneLine(text)}`);
}

/** Names come from the repository: no line of output is ever made by a file name. */
export function oneLine(text: string): string {
  return text.replace(/\p{Cc}/gu, '\ufffd');
}

export function size(bytes: number): string {
  if (bytes < 1024) return `${bytes} B`;
  if (bytes < 1024 * 1024) return `${(bytes / 1024).toFixed(1)} KB`;
  return `${(bytes / 1024 / 1024).toFixed(1)} MB`;
}

/** The most frequent first, equal ones by name. */
export function ranked(counts: ReadonlyMap<string, number>, limit: number): [number, string][] {
  return [...counts]
    .map(([name, count]): [number, string] => [count, name])
    .sort((a, b) => b[0] - a[0] || a[1].localeCompare(b[1]))
    .slice(0, limit);
}

export function count(counts: Map<string, number>, name: string, by = 1): void {
  counts.set(name, (counts.get(name) ?? 0) + by);
}

export function counted(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? '' : 's'}`;
}
