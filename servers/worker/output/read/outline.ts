import { clipBytes, clippedLine } from '../../../../core/clip-line.ts';
import { classifyLine, findErrorWord } from '../../../../core/error-words.ts';
import { nextNewline } from '../../../../core/newlines.ts';
import {
  headingBytes,
  headingKind,
  isHeading,
  mayBeHeading,
  type Section,
} from '../../../../core/outline.ts';
import { jsonBytes } from '../../../../core/page.ts';
import { finishedEnd, type Content } from './content.ts';
import { badCursor, callOn, textBudget, type Found, type ReadCall } from './request.ts';
import { scanLines, type LineVisitor } from './scan-lines.ts';

const defaultSections = 60;
/** More never fit a page. */
const maxSections = 2000;
/** So many headings of one kind in a row are shown; the rest of the row is counted. */
const rowShown = 3;

/** Sections of a log by their first lines: `12: heading`, how many like it follow, error-like lines in it. */
export async function outline(call: ReadCall): Promise<Found> {
  const { input, content, pace } = call;
  const from = input.cursor === undefined ? 0 : cursorOffset(input.cursor, content);
  const firstLine = await content.lineAt(from);
  const many = Math.min(input.count ?? defaultSections, maxSections);
  const finder = new SectionFinder(firstLine, many);
  const to = await finishedEnd(content);
  const reached = await scanLines(content, { from, to }, finder, pace);
  const { text, shown } = await render(content, finder.sections, textBudget(call));
  const cut = finder.sections[shown];
  const end = cut?.offset ?? reached;
  const more = end < to || content.record.state === 'open';
  const worst = finder.sections.slice(0, shown).find(({ errors }) => errors > 0) ?? finder.sections[0];
  return {
    text,
    from,
    to: end,
    ...(shown === 0 ? {} : { fromLine: firstLine, toLine: (cut?.line ?? finder.line) - 1 }),
    hits: shown,
    ...(more ? { cursor: String(end) } : {}),
    ...(worst === undefined ? {} : { next: callOn(input, { mode: 'lines', from: worst.line, count: 60 }) }),
  };
}

function cursorOffset(cursor: string, content: Content): number {
  if (!/^\d{1,15}$/.test(cursor)) throw badCursor();
  return Math.min(Number(cursor), content.size);
}

class SectionFinder implements LineVisitor {
  readonly sections: Section[] = [];
  /** Number of the next line. */
  line: number;
  readonly #many: number;
  #kind = '';
  #inRow = 0;

  constructor(firstLine: number, many: number) {
    this.line = firstLine;
    this.#many = many;
  }

  lines(bytes: Buffer, offset: number): number | undefined {
    let error = findErrorWord(bytes, 0, bytes.length);
    for (let from = 0; from < bytes.length; this.line += 1) {
      const newline = nextNewline(bytes, from);
      const to = newline === -1 ? bytes.length : newline;
      if (mayBeHeading(bytes, from, to)) {
        const text = bytes.toString('utf8', from, Math.min(to, from + headingBytes)).trimEnd();
        if (isHeading(text) && !this.#begin(headingKind(text), offset + from)) return from;
      }
      if (error !== -1 && error < to) {
        const section = this.sections.at(-1);
        if (section !== undefined && classifyLine(bytes, from, to, error)?.strong === true)
          section.errors += 1;
        error = findErrorWord(bytes, to, bytes.length);
      }
      from = to + 1;
    }
    return undefined;
  }

  longLine(): void {
    this.line += 1;
  }

  /** Takes in a heading; false where there is no room for it. */
  #begin(kind: string, offset: number): boolean {
    const before = this.sections.at(-1);
    this.#inRow = kind === this.#kind ? this.#inRow + 1 : 1;
    this.#kind = kind;
    if (this.#inRow > rowShown && before !== undefined) {
      before.more += 1;
      return true;
    }
    if (this.sections.length >= this.#many) return false;
    this.sections.push({ line: this.line, offset, more: 0, errors: 0 });
    return true;
  }
}

async function render(
  content: Content,
  sections: readonly Section[],
  budget: number,
): Promise<{ text: string; shown: number }> {
  let text = '';
  let left = budget;
  for (const [shown, section] of sections.entries()) {
    const bytes = await content.read(section.offset, clipBytes + 4);
    const label = `${String(section.line)}:`;
    const heading = clippedLine(bytes, { label, offset: section.offset, startsLine: true }).trimEnd();
    const notes = [
      ...(section.more === 0 ? [] : [`${String(section.more)} more like it`]),
      ...(section.errors === 0 ? [] : [`${String(section.errors)} error-like`]),
    ];
    const line = notes.length === 0 ? `${heading}\n` : `${heading} [${notes.join(', ')}]\n`;
    left -= jsonBytes(line);
    if (left < 0 && shown > 0) return { text, shown };
    text += line;
  }
  return { text, shown: sections.length };
}
