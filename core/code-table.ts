import type { ErrorHits, Shape } from './error-hits.ts';
import { sanitize } from './sanitize.ts';

/** Fewer errors are as well shown one by one. */
const tableErrors = 8;
const rowCharacters = 120;

/** Whether so many errors have a code that a table of codes says more than the lines. */
export function hasCodeTable(hits: ErrorHits): boolean {
  return codedShapes(hits).reduce((sum, { count }) => sum + count, 0) >= tableErrors;
}

/**
 * Of compilers' and linters' output a row for each code, the most frequent first:
 * `TS2322 ×14, first 3: src/app.ts(12,9): Type 'string' is not …`.
 */
export function codeTable(hits: ErrorHits): string[] {
  return codedShapes(hits)
    .toSorted((a, b) => b.count - a.count)
    .map((shape) => row(hits, shape));
}

function codedShapes(hits: ErrorHits): Shape[] {
  return hits.shapes.filter(({ code }) => code !== undefined);
}

function row(hits: ErrorHits, { code = '', count, first: [hit] }: Shape): string {
  if (hit === undefined) return `${code} ×${String(count)}`;
  const said = textOf(hits.excerpt(hit))
    .replace(`error ${code}: `, '')
    .replace(`error[${code}]: `, '')
    .replace(/ \[[^\]\s]*\]$/, '');
  // What says where is often the line after it.
  const place = hit.near.map((near) => /--> (\S+)/.exec(textOf(hits.excerpt(near)))?.[1]).find(Boolean);
  const text = `${place === undefined ? '' : `${place}: `}${said}`;
  const clipped = text.length <= rowCharacters ? text : `${text.slice(0, rowCharacters).trimEnd()}…`;
  return `${code} ×${String(count)}, first ${String(hit.line)}: ${clipped}`;
}

function textOf(bytes: Buffer): string {
  return sanitize(bytes.toString('utf8')).replaceAll('\n', ' ').trim();
}
