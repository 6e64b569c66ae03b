import { createLiteralFinder } from '../../../../core/grep/literal-finder.ts';
import { requiredLiterals } from '../../../../core/grep/required-literals.ts';
import { searchLines } from '../../../../core/grep/search-lines.ts';
import { FleetError } from '../../../../core/errors.ts';
import { finishedEnd, type Content } from './content.ts';
import { lastHits } from './last-hits.ts';
import type { Pace } from '../../../../platform/pace.ts';
import { openRegexSearch } from './regex-search.ts';
import { renderHits } from './render-hits.ts';
import { badCursor, callOn, textBudget, type Found, type ReadCall } from './request.ts';
import { scanHits, type Position, type Scanned, type SearchChunk } from './scan-hits.ts';

const defaultHits = 40;
/** More of them never fit a page. */
const maxHits = 4000;
const contextAround = 10;

/** Lines that match, first or last ones, or how many there are. */
export async function grep(call: ReadCall): Promise<Found> {
  const { input, pace } = call;
  const { search, close } = await openSearch(input.pattern ?? '', pace);
  try {
    if (input.pick === 'last') return await grepLast(call, search);
    return await grepForward(call, search);
  } finally {
    close();
  }
}

async function openSearch(pattern: string, pace: Pace): Promise<{ search: SearchChunk; close: () => void }> {
  const required = requiredLiterals(pattern);
  if (required?.exact === true) {
    const finder = createLiteralFinder(required);
    const fixed = { finder, test: undefined, ignoreCase: false, mayGoOn: () => true };
    return {
      search: (bytes, options) => Promise.resolve(searchLines(bytes, { ...fixed, ...options })),
      close: () => undefined,
    };
  }
  const regex = await openRegexSearch(pattern);
  return {
    search: (bytes, options) => regex.search({ bytes, ...options, budgetMs: Math.max(50, pace.leftMs()) }),
    close: regex.close,
  };
}

async function grepForward(call: ReadCall, search: SearchChunk): Promise<Found> {
  const { input, content, pace } = call;
  const countOnly = input.pick === 'count';
  const want = Math.min(input.count ?? defaultHits, maxHits);
  const from = await startOf(call);
  const to = await finishedEnd(content);
  const scanned = await scanHits(content, { from, to, want, countOnly }, search, pace);
  refuseStuck(scanned, from);
  const isOver = scanned.position.offset >= to;
  if (countOnly) {
    const cursor = isOver ? undefined : showCursor(scanned.position);
    return { text: '', from: from.offset, to: scanned.position.offset, hits: scanned.count, cursor };
  }
  const { text, shown } = await renderHits(content, scanned.hits, {
    context: input.context ?? 0,
    budget: textBudget(call),
    pace,
  });
  const cut = scanned.hits[shown.length];
  const last = shown.at(-1);
  const position: Position =
    cut === undefined ? scanned.position : { offset: await startOfLine(content, cut), at: 'line' };
  const growing = content.record.state === 'open';
  const more = cut !== undefined || !isOver || growing;
  return {
    text,
    from: from.offset,
    to: position.offset,
    ...(shown[0] === undefined || last === undefined ? {} : { fromLine: shown[0].line, toLine: last.line }),
    hits: shown.length,
    ...(more ? { cursor: showCursor(position) } : {}),
    ...(shown[0] === undefined ? {} : { next: around(call, shown[0].line) }),
  };
}

async function grepLast(call: ReadCall, search: SearchChunk): Promise<Found> {
  const { input, content, pace } = call;
  const before = input.cursor === undefined ? undefined : /^b(\d{1,15})$/.exec(input.cursor)?.[1];
  if (input.cursor !== undefined && before === undefined) throw badCursor();
  const want = Math.min(input.count ?? defaultHits, maxHits);
  const endLine = before === undefined ? content.record.lines + 1 : Number(before);
  const found = await lastHits(content, { endLine, want }, search, pace);
  if (found.stuck && found.fromLine === endLine) throw tooSlow();
  const { text, shown } = await renderHits(content, found.hits, {
    context: input.context ?? 0,
    budget: textBudget(call),
    pace,
    fromEnd: true,
  });
  const [first] = shown;
  const last = shown.at(-1);
  const isCut = shown.length < found.hits.length;
  const fromLine = isCut && first !== undefined ? first.line : found.fromLine;
  return {
    text,
    from: await content.lineOffset(fromLine),
    to: await content.lineOffset(endLine),
    ...(first === undefined || last === undefined ? {} : { fromLine: first.line, toLine: last.line }),
    hits: shown.length,
    ...(fromLine > 1 ? { cursor: `b${String(fromLine)}` } : {}),
    ...(last === undefined ? {} : { next: around(call, last.line) }),
  };
}

async function startOf({ input, content }: ReadCall): Promise<Position> {
  if (input.cursor === undefined) {
    return { offset: await content.lineOffset(Math.max(1, input.from ?? 1)), at: 'line' };
  }
  const [, at, offset] = /^([wsl])(\d{1,15})$/.exec(input.cursor) ?? [];
  if (offset === undefined) throw badCursor();
  return {
    offset: Math.min(Number(offset), content.size),
    at: at === 'w' ? 'within' : at === 's' ? 'skip' : 'line',
  };
}

function showCursor({ offset, at }: Position): string {
  return `${at === 'within' ? 'w' : at === 'skip' ? 's' : 'l'}${String(offset)}`;
}

async function startOfLine(content: Content, hit: Scanned['hits'][number]): Promise<number> {
  return hit.line ?? content.lineOffset(await content.lineAt(hit.at));
}

function around({ input }: ReadCall, line: number): string {
  return callOn(input, {
    mode: 'lines',
    from: Math.max(1, line - contextAround),
    count: 2 * contextAround + 1,
  });
}

/** Where nothing at all could be searched, asking again would end the same. */
function refuseStuck(scanned: Scanned, from: Position): void {
  if (scanned.stuck && scanned.position.offset === from.offset) throw tooSlow();
}

function tooSlow(): FleetError {
  return new FleetError('INVALID_INPUT', 'This pattern takes too long on this content.', {
    next: 'Use a simpler pattern: fewer or smaller repetitions, or plain text; or give it a longer wait_ms.',
  });
}
