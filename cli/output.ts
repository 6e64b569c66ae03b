import { sanitize } from '../core/sanitize.ts';
import { escapeHidden } from '../core/visible-json.ts';

/** Lines on stdout, of which a terminal shows every character and obeys none: some of it may be a worker's. */
export function print(text: string): void {
  process.stdout.write(`${sanitize(text)}\n`);
}

/** One JSON document on stdout. */
export function printJson(value: unknown): void {
  process.stdout.write(`${escapeHidden(JSON.stringify(value, undefined, 2))}\n`);
}

/** Columns under their headings; numbers (`right`) stand right. */
export function table(
  headings: readonly string[],
  rows: readonly (readonly string[])[],
  right: readonly number[] = [],
): string {
  const widths = headings.map((heading, column) =>
    Math.max(heading.length, ...rows.map((row) => row[column]?.length ?? 0)),
  );
  const line = (cells: readonly string[]): string =>
    widths
      .map((width, column) => {
        const cell = cells[column] ?? '';
        return right.includes(column) ? cell.padStart(width) : cell.padEnd(width);
      })
      .join('  ')
      .trimEnd();
  return [line(headings), ...rows.map(line)].join('\n');
}

const byteUnits = ['B', 'KB', 'MB', 'GB'];

export function formatBytes(bytes: number): string {
  let value = bytes;
  let unit = 0;
  while (value >= 1000 && unit < byteUnits.length - 1) {
    value /= 1000;
    unit += 1;
  }
  return `${unit === 0 || value >= 100 ? value.toFixed(0) : value.toFixed(1)} ${byteUnits[unit] ?? ''}`;
}

export function formatMs(ms: number | undefined): string {
  if (ms === undefined) return '–';
  return ms < 1000 ? `${String(ms)} ms` : `${(ms / 1000).toFixed(1)} s`;
}

const ageUnits = [
  { unit: 'd', ms: 86_400_000 },
  { unit: 'h', ms: 3_600_000 },
  { unit: 'min', ms: 60_000 },
] as const;

/** In the largest unit there is one of. */
export function formatAge(ms: number): string {
  const fit = ageUnits.find((one) => ms >= one.ms);
  return fit === undefined
    ? `${String(Math.floor(ms / 1000))} s`
    : `${String(Math.floor(ms / fit.ms))} ${fit.unit}`;
}
