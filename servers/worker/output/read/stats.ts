import { isUtf8 } from 'node:buffer';
import { clipBytes, clippedLine } from '../../../../core/clip-line.ts';
import { LineStats } from '../../../../core/line-stats.ts';
import { jsonBytes } from '../../../../core/page.ts';
import { finishedEnd, type Content } from './content.ts';
import { badCursor, callOn, textBudget, type Found, type ReadCall } from './request.ts';
import { scanLines } from './scan-lines.ts';

const frequentShown = 10;
const shapesShown = 10;

/** Figures of a content, or of the stretch of it there was time for: lengths of lines, errors, repetitions. */
export async function stats(call: ReadCall): Promise<Found> {
  const { input, content, pace } = call;
  const from = await startOf(call);
  const firstLine = await content.lineAt(from);
  const figures = new LineStats(firstLine);
  let isText = true;
  const visitor = {
    lines: (bytes: Buffer, offset: number) => {
      isText &&= isUtf8(bytes);
      figures.push(bytes, offset);
      return undefined;
    },
    longLine: (_: number, length: number) => figures.pushLong(length),
  };
  const to = await finishedEnd(content);
  const reached = await scanLines(content, { from, to }, visitor, pace);
  const parts = [
    ...describe(figures, isText),
    ...errorShapes(figures),
    ...(await repetitions(content, figures)),
  ];
  const more = reached < to || content.record.state === 'open';
  const firstError = figures.errors.shapes[0]?.first[0]?.line;
  return {
    text: withinBudget(parts, textBudget(call)),
    from,
    to: reached,
    ...(figures.lines === 0 ? {} : { fromLine: firstLine, toLine: firstLine + figures.lines - 1 }),
    ...(more ? { cursor: String(reached) } : {}),
    ...(firstError === undefined
      ? {}
      : { next: callOn(input, { mode: 'lines', from: Math.max(1, firstError - 10), count: 30 }) }),
  };
}

async function startOf({ input, content }: ReadCall): Promise<number> {
  if (input.cursor === undefined) return content.lineOffset(Math.max(1, input.from ?? 1));
  if (!/^\d{1,15}$/.test(input.cursor)) throw badCursor();
  return Math.min(Number(input.cursor), content.size);
}

function describe(figures: LineStats, isText: boolean): string[] {
  const { lines, blank, longest, lengths, errorLines } = figures;
  const quantiles = [0.5, 0.9, 0.99].map(
    (share) => `p${String(share * 100)} ${String(lengths.quantile(share))}`,
  );
  const kind = figures.hasNul ? 'binary (NUL bytes)' : isText ? undefined : 'not all UTF-8';
  return [
    `lines: ${String(lines)}, blank: ${String(blank)}\n`,
    `bytes a line: ${quantiles.join(', ')}, longest ${String(longest.length)} (line ${String(longest.line)})\n`,
    ...(kind === undefined ? [] : [`content: ${kind}\n`]),
    `error-like lines: ${String(errorLines)}\n`,
  ];
}

/** Kinds of error-like lines, the most frequent first, each by its first line. */
function errorShapes({ errors }: LineStats): string[] {
  return errors.shapes
    .toSorted((a, b) => b.count - a.count)
    .slice(0, shapesShown)
    .flatMap(({ count, first: [hit] }) =>
      hit === undefined ? [] : [`${String(count)}× ${excerpt(errors.excerpt(hit), hit.line, 0)}`],
    );
}

async function repetitions(content: Content, { frequent }: LineStats): Promise<string[]> {
  const most = frequent.top(frequentShown);
  if (most.length === 0) return [];
  const known = frequent.uncertainty === 0 ? '' : ` (up to ${String(frequent.uncertainty)} more each)`;
  const lines = [`most repeated lines${known}:\n`];
  for (const { offset, count } of most) {
    const text = await content.read(offset, clipBytes + 4);
    lines.push(`${String(count)}× ${excerpt(text, await content.lineAt(offset), offset)}`);
  }
  return lines;
}

function excerpt(bytes: Buffer, line: number, offset: number): string {
  return clippedLine(bytes, { label: `${String(line)}:`, offset, startsLine: true });
}

function withinBudget(parts: readonly string[], budget: number): string {
  let left = budget;
  return parts.filter((part) => (left -= jsonBytes(part)) >= 0).join('');
}
