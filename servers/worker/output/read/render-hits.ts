import { clipBytes, clippedLine, clipStart } from '../../../../core/clip-line.ts';
import { jsonBytes } from '../../../../core/page.ts';
import type { Pace } from '../../../../platform/pace.ts';
import type { Content } from './content.ts';
import type { Hit } from './scan-hits.ts';

interface Shown {
  /** Line number, from 1. */
  line: number;
}

const separator = '--\n';

/**
 * Hits as text, `12: line` each, lines around them as `11- line`, `--` between groups; of a long line
 * the part around the hit, with the byte it begins at (`12@3456: …`). As many hits as the budget
 * holds, at least one: the first ones, or the last ones with `fromEnd`.
 */
export async function renderHits(
  content: Content,
  hits: readonly Hit[],
  {
    context,
    budget,
    pace,
    fromEnd = false,
  }: { context: number; budget: number; pace: Pace; fromEnd?: boolean },
): Promise<{ text: string; shown: Shown[] }> {
  const lines = new Map<number, string>();
  const shown: Shown[] = [];
  let left = budget;
  for (const hit of fromEnd ? hits.toReversed() : hits) {
    await pace.breathe();
    const line = await content.lineAt(hit.at);
    let around = context;
    let added = await linesAround(content, { hit, line, around }, lines);
    while (shown.length === 0 && costOf(added) > left && around > 0) {
      around = Math.floor(around / 2);
      added = await linesAround(content, { hit, line, around }, lines);
    }
    const cost = costOf(added);
    if (cost > left && shown.length > 0) break;
    left -= cost;
    for (const [number, text] of added) lines.set(number, text);
    shown.push({ line });
  }
  if (fromEnd) shown.reverse();
  return { text: join(lines, context > 0), shown };
}

/** The hit's line and those around it which do not stand there yet. */
async function linesAround(
  content: Content,
  { hit, line, around }: { hit: Hit; line: number; around: number },
  known: ReadonlyMap<number, string>,
): Promise<Map<number, string>> {
  const added = new Map<number, string>();
  const last = Math.min(content.record.lines, line + around);
  for (let number = Math.max(1, line - around); number <= last; number += 1) {
    if (number === line) {
      const start = hit.line ?? (await content.lineOffset(line));
      added.set(number, await showLine(content, `${String(number)}:`, start, hit.at));
    } else if (!known.has(number)) {
      const start = await content.lineOffset(number);
      added.set(number, await showLine(content, `${String(number)}-`, start, start));
    }
  }
  return added;
}

async function showLine(content: Content, label: string, start: number, at: number): Promise<string> {
  const offset = clipStart(start, at);
  // A line's end may be two bytes, a character four.
  const bytes = await content.read(offset, clipBytes + 4);
  return clippedLine(bytes, { label, offset, startsLine: offset === start });
}

function costOf(lines: ReadonlyMap<number, string>): number {
  let cost = separator.length + 1;
  for (const text of lines.values()) cost += jsonBytes(text);
  return cost;
}

function join(lines: ReadonlyMap<number, string>, inGroups: boolean): string {
  let text = '';
  let before: number | undefined;
  for (const [number, line] of [...lines].sort(([a], [b]) => a - b)) {
    if (inGroups && before !== undefined && number > before + 1) text += separator;
    text += line;
    before = number;
  }
  return text;
}
