import { createPreviewSampler } from './sampler.ts';
import { rankedByMark, type PreviewSample, type SampleLine } from './sample-lines.ts';
import { estimateTokens } from './tokens.ts';

export { createPreviewSampler, type PreviewSampler } from './sampler.ts';
export type { PreviewSample } from './sample-lines.ts';
export { estimateTokens } from './tokens.ts';

export interface PreviewStream {
  stream: string;
  stage: string;
  sample: PreviewSample;
  bytes: number;
  lines: number;
}

/** One stream's part of a preview: its header, and the lines to choose from. */
interface Section {
  header: string;
  weight: number;
  sample: PreviewSample;
}

/**
 * What may travel inline of a run's output: per stream a header, `= text` for what holds for all of
 * it, then `N: text` with 1-based line numbers; gaps in the numbers are lines left out. Small streams
 * are shown whole; of others the first and last lines and those that look like errors. At most
 * `tokens` by estimateTokens.
 */
export function renderPreview(streams: readonly PreviewStream[], tokens: number): string {
  const stages = new Set(streams.map((stream) => stream.stage));
  return renderSections(
    streams.map((stream) => ({
      header: headerOf(stream, stages.size > 1),
      weight: streamWeight[stream.stream] ?? 1,
      sample: stream.sample,
    })),
    tokens,
  );
}

/** Begins a line that is none of the output. */
const noteMark = '= ';

/** An agent's own words matter most; the event log repeats what other streams say. */
const streamWeight: Readonly<Record<string, number>> = { last_message: 2, events: 0.25 };

function headerOf(stream: PreviewStream, named: boolean): string {
  const counts = `${stream.lines} ${stream.lines === 1 ? 'line' : 'lines'}`;
  return `${stream.stream}${named ? ` of ${stream.stage}` : ''} (${counts}${stream.sample.whole ? '' : `, ${stream.bytes} bytes`})`;
}

/** Bytes of an output below which all of it is cheaper than a preview and a look into its handle. */
const wholeBytes = 4096;
/** What line numbers and headers add at most to it. */
const wholePreviewBytes = wholeBytes * 1.5;
/** Whoever asks for less gets less. */
const wholeFromTokens = 700;

/** What a reply shows of a preview: of a small output all of it, else what fits the budget. */
export function fitPreview(text: string, tokens: number): string {
  const isWhole = tokens >= wholeFromTokens && text.length <= wholePreviewBytes && isWholePreview(text);
  return isWhole ? text : shrinkPreview(text, tokens);
}

/** Whether nothing was left out: sections whose header tells no size are there in full. */
export function isWholePreview(text: string): boolean {
  return parseHeaders(text).every((header) => /\(\d+ lines?\)$/.test(header));
}

function parseHeaders(text: string): string[] {
  return text.split('\n').filter((line) => !line.startsWith(noteMark) && !/^\d+:/.test(line));
}

/** The same preview within a smaller budget. Takes what renderPreview made. */
export function shrinkPreview(text: string, tokens: number): string {
  if (estimateTokens(text) <= tokens) return text;
  return renderSections(parseSections(text), tokens);
}

function parseSections(text: string): Section[] {
  const sections: { header: string; notes: string[]; numbers: number[]; texts: string[] }[] = [];
  for (const line of text.split('\n')) {
    if (line.startsWith(noteMark)) {
      sections.at(-1)?.notes.push(line.slice(noteMark.length));
      continue;
    }
    const numbered = /^(\d+): ?(.*)$/.exec(line);
    if (numbered === null) {
      sections.push({ header: line, notes: [], numbers: [], texts: [] });
      continue;
    }
    sections.at(-1)?.numbers.push(Number(numbered[1]));
    sections.at(-1)?.texts.push(numbered[2] ?? '');
  }
  return sections.map(({ header, notes, numbers, texts }) => {
    const sampler = createPreviewSampler();
    sampler.push(Buffer.from(texts.map((line) => `${line}\n`).join('')));
    const sample = sampler.sample();
    const lines = sample.lines.map((line) => ({
      ...rankedByMark(line),
      line: numbers[line.line - 1] ?? line.line,
    }));
    const stream = header.split(' ')[0] ?? '';
    return { header, weight: streamWeight[stream] ?? 1, sample: { whole: sample.whole, notes, lines } };
  });
}

function renderSections(sections: readonly Section[], tokens: number): string {
  const budgets = shareOut(
    sections.map((section) => ({ need: wholeCost(section), weight: section.weight })),
    tokens,
  );
  return sections
    .map((section, index) => renderSection(section, budgets[index] ?? 0))
    .filter((text) => text !== '')
    .join('\n');
}

/** Fair shares by weight; what one does not need goes to the others. */
function shareOut(claims: readonly { need: number; weight: number }[], total: number): number[] {
  const shares = claims.map(() => 0);
  let open = claims.map((_, index) => index);
  let left = total;
  while (open.length > 0 && left >= 1) {
    const weights = open.reduce((sum, index) => sum + (claims[index]?.weight ?? 0), 0);
    const unit = left / weights;
    const content = open.filter((index) => (claims[index]?.need ?? 0) <= unit * (claims[index]?.weight ?? 0));
    for (const index of content.length > 0 ? content : open) {
      const { need, weight } = claims[index] ?? { need: 0, weight: 0 };
      shares[index] = content.length > 0 ? need : Math.floor(unit * weight);
      left -= shares[index] ?? 0;
    }
    if (content.length === 0) break;
    open = open.filter((index) => !content.includes(index));
  }
  return shares;
}

function wholeCost(section: Section): number {
  return section.sample.lines.reduce(
    (sum, line) => sum + costOf(line, line.text),
    costOfHeader(section.header) + section.sample.notes.reduce((sum, note) => sum + costOfNote(note), 0),
  );
}

function costOfNote(note: string): number {
  return estimateTokens(`${noteMark}${note}\n`);
}

function costOf(line: SampleLine, text: string): number {
  return estimateTokens(`${line.line}: ${text}\n`);
}

function costOfHeader(header: string): number {
  return estimateTokens(`${header}\n`);
}

function renderSection(section: Section, tokens: number): string {
  const left = tokens - costOfHeader(section.header);
  if (left < 0) return '';
  const lines = section.sample.whole ? chooseWhole(section, tokens) : undefined;
  const rest = section.sample.lines.reduce((sum, line) => sum + costOf(line, line.text), 0);
  const notes = chooseNotes(section.sample.notes, Math.max(left * notesShare, left - rest));
  const spent = notes.reduce((sum, note) => sum + costOfNote(note), 0);
  const chosen = lines ?? chooseLines(section.sample.lines, left - spent);
  return [
    section.header,
    ...notes.map((note) => noteMark + note),
    ...chosen.map((line) => `${line.line}: ${line.text}`),
  ].join('\n');
}

/** Widths a note is clipped to, in characters. */
const noteWidths = [1200, 500, 240, 120];

/** As many as fit, in order, long ones clipped to what is left. */
function chooseNotes(notes: readonly string[], tokens: number): string[] {
  let left = tokens;
  return notes.flatMap((note) => {
    const fitting = noteWidths.map((width) => clip(note, width)).find((text) => costOfNote(text) <= left);
    if (fitting === undefined) return [];
    left -= costOfNote(fitting);
    return [fitting];
  });
}

function chooseWhole(section: Section, tokens: number): SampleLine[] | undefined {
  return wholeCost(section) <= tokens ? section.sample.lines : undefined;
}

/** Widths lines are clipped to, in characters: the widest at which every kind of error still fits. */
const widths = [240, 180, 140, 110, 90];
const tailShare = 0.2;
/** Of a section's budget, unless its lines need less than the rest. */
const notesShare = 0.7;
const headShare = 0.06;

/**
 * First the last lines, then the first, then errors by rank, those that repeat what is shown already
 * after the others, then more of the end and of the beginning.
 */
function chooseLines(lines: readonly SampleLine[], tokens: number): SampleLine[] {
  const errors = lines.filter((line) => line.rank < Number.POSITIVE_INFINITY);
  const ranked = interleaved(errors).sort((a, b) => a.rank - b.rank);
  const width = widths.find((candidate) => firstsFit(errors, candidate, tokens)) ?? 90;
  const chosen = new Map<number, SampleLine>();
  const said = new Set<string>();
  let left = tokens;
  const take = (candidates: readonly SampleLine[], share: number, onFull: 'stop' | 'skip', only?: Only) => {
    let room = share;
    const alike = new Map<string, number>();
    for (const line of candidates) {
      if (chosen.has(line.line)) continue;
      const text = clip(line.text, width);
      const words = text.match(wordsAndPlaces) ?? [];
      if (only === 'new' && line.rank > 0 && words.every((word) => said.has(word))) continue;
      if (only === 'varied') {
        const kind = kindOf(text);
        alike.set(kind, (alike.get(kind) ?? 0) + 1);
        if ((alike.get(kind) ?? 0) > maxAlike) continue;
      }
      const cost = costOf(line, text);
      if (cost > room || cost > left) {
        if (onFull === 'stop') return;
        continue;
      }
      chosen.set(line.line, { ...line, text });
      for (const word of words) said.add(word);
      room -= cost;
      left -= cost;
    }
  };
  const backwards = lines.toReversed();
  take(backwards, tokens * tailShare, 'stop', 'varied');
  take(lines, tokens * headShare, 'stop', 'varied');
  take(ranked, tokens, 'skip', 'new');
  take(ranked, tokens, 'skip');
  take(backwards, left * 0.6, 'stop');
  take(lines, left, 'stop');
  return [...chosen.values()].sort((a, b) => a.line - b.line);
}

/** `new`: only what has words that are not shown yet. `varied`: only so many that look alike. */
type Only = 'new' | 'varied';
const maxAlike = 4;

/** The same for lines that differ in their numbers, or that tell of tests that passed. */
function kindOf(text: string): string {
  return /^\s*(?:[✓✔√]|PASS\b|ok\b)/.test(text) || /(?:\.\.\. ok|PASSED)\b/.test(text)
    ? 'passed'
    : text.replace(/\d+/g, '0');
}

/** Words, and places in sources (`src/a.ts:12`) whole: their parts alone do not say the same. */
const wordsAndPlaces = /[\w./-]+[:(]\d+|[\p{L}\p{N}_]{2,}/gu;

/** From both ends towards the middle, so that of too many the first and the last are taken. */
function interleaved(lines: readonly SampleLine[]): SampleLine[] {
  const order: SampleLine[] = [];
  for (let at = 0; at < lines.length / 2; at += 1) {
    for (const line of new Set([lines[at], lines[lines.length - 1 - at]]))
      if (line !== undefined) order.push(line);
  }
  return order;
}

function firstsFit(errors: readonly SampleLine[], width: number, tokens: number): boolean {
  const firsts = errors.filter((line) => line.rank < 2);
  const cost = firsts.reduce((sum, line) => sum + costOf(line, clip(line.text, width)), 0);
  return cost <= tokens * (1 - tailShare - headShare);
}

function clip(text: string, width: number): string {
  if (text.length <= width) return text;
  return `${text.slice(0, width).replace(/[\ud800-\udbff]$/, '')}…`;
}
