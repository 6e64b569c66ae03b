import { countTokens } from 'gpt-tokenizer/encoding/o200k_base';
import type { Bench } from '../bench.ts';
import { compilerErrors } from './tokens/compilers.ts';
import { logs } from './tokens/logs.ts';
import { inlineOf, type Output } from './tokens/output.ts';
import { previewOf, type Shown } from './tokens/preview-of.ts';
import { realOutputs } from './tokens/real.ts';
import { recallOf, shareOf } from './tokens/recall.ts';
import { columns, median } from './statistics.ts';
import { testRuns } from './tokens/test-runs.ts';

/** Above it inline tokens are counted of a part: counting 50 MB takes longer than all the rest. */
const exactBytes = 12_000_000;

interface Saving {
  name: string;
  origin: string;
  bytes: number;
  inline: number;
  exact: boolean;
  reply: number;
  saved: number;
}

interface Target {
  what: string;
  figure: number;
  bound: { least: number } | { most: number };
}

/** What a parent is spared by handle and preview, and what the preview alone still shows. */
export async function run(): Promise<Bench> {
  const outputs = [...testRuns(), ...compilerErrors(), ...logs(), ...(await realOutputs())];
  const savings = outputs.map((output) => savingOf(output));
  const targets = [...savingTargets(savings), ...recallTargets(outputs)];
  const recall = recallRows(outputs);
  const parts = [savingTable(savings), classTable(savings), recallTable(recall), targetTable(targets)];
  return {
    table: parts.join('\n\n'),
    pass: targets.every(isMet),
    figures: { savings, classes: classesOf(savings), recall, targets },
  };
}

function savingOf(output: Output): Saving {
  const { name, origin } = output;
  const content = inlineOf(output);
  const { tokens: inline, exact } = inlineTokens(content);
  const reply = previewOf(output, { tokens: 700 }).replyTokens;
  return { name, origin, bytes: content.length, inline, exact, reply, saved: 1 - reply / inline };
}

/** Exact up to a size; of more, a sixteenth of it in 64 stretches of whole lines, or of bytes. */
function inlineTokens(content: Buffer): { tokens: number; exact: boolean } {
  if (content.length <= exactBytes) return { tokens: countTokens(content.toString('utf8')), exact: true };
  const stretch = Math.floor(content.length / 1024);
  let tokens = 0;
  let bytes = 0;
  for (let at = 0; at < 64; at += 1) {
    const from = Math.floor((content.length * at) / 64);
    tokens += countTokens(content.toString('utf8', from, from + stretch));
    bytes += stretch;
  }
  return { tokens: Math.round((tokens / bytes) * content.length), exact: false };
}

const classes = [
  { name: '100 KB', from: 60_000, to: 400_000, least: 0.975 },
  { name: '1 MB', from: 900_000, to: 4_000_000, least: 0.99 },
  { name: '10 MB', from: 9_000_000, to: Number.POSITIVE_INFINITY, least: 0.999 },
];

function classesOf(savings: readonly Saving[]) {
  return classes.map(({ name, from, to, least }) => {
    const saved = savings.filter(({ bytes }) => bytes >= from && bytes < to).map((row) => row.saved);
    return {
      name,
      outputs: saved.length,
      median: median(saved),
      min: Math.min(...saved),
      max: Math.max(...saved),
      least,
    };
  });
}

function savingTargets(savings: readonly Saving[]): Target[] {
  return classesOf(savings).map((row) => ({
    what: `saved at ${row.name}, median`,
    figure: row.median,
    bound: { least: row.least },
  }));
}

const isJson = ({ name }: Output) => name === 'JSON in one line';
const isWholeRun = ({ wanted }: Output) => wanted?.messages !== undefined;
const isPlanted = (output: Output) => output.name === 'CI log' && output.content.length > 9_000_000;

/** One line, of no error, that is like none of the 99,999 others. */
function noveltyTarget(): Target {
  const odd = 'the cache was emptied by hand';
  const lines = Array.from({ length: 100_000 }, (_, at) =>
    at === 12_345 ? odd : `12:00:${String(at % 60)} GET /items/${String(at)} 200 ${String(at % 97)} ms`,
  );
  const output = {
    name: 'access log',
    origin: 'made',
    content: Buffer.from(`${lines.join('\n')}\n`),
  } as const;
  return {
    what: '100,000 lines alike, the one that is not seen in 700 tokens',
    figure: previewOf(output, { tokens: 700 }).text.includes(odd) ? 1 : 0,
    bound: { least: 1 },
  };
}

function recallTargets(outputs: readonly Output[]): Target[] {
  const targets: Target[] = [noveltyTarget()];
  for (const output of outputs.filter(isPlanted)) {
    const shown = previewOf(output, { tokens: 700 });
    targets.push(
      {
        what: `${size(output)} log, planted errors seen of 8`,
        figure: recallOf(output, shown.text).failures?.seen ?? 0,
        bound: { least: 8 },
      },
      { what: `${size(output)} log, tokens of that preview`, figure: shown.tokens, bound: { most: 700 } },
    );
  }
  for (const output of outputs.filter(isWholeRun)) {
    const name = `${output.name} (${output.origin})`;
    const at = (tokens: number) => recallOf(output, previewOf(output, { tokens }).text);
    const plain = at(2_000);
    targets.push(
      {
        what: `${name}: failing tests in ≤ 2,000 tokens`,
        figure: shareOf(plain.failures),
        bound: { least: 1 },
      },
      {
        what: `${name}: assertion messages in ≤ 2,000 tokens`,
        figure: shareOf(plain.messages),
        bound: { least: 1 },
      },
      {
        what: `${name}: source locations in ≤ 2,500 tokens`,
        figure: shareOf(at(2_500).locations),
        bound: { least: 1 },
      },
    );
  }
  for (const output of outputs.filter(({ wanted }) => (wanted?.codes?.length ?? 0) > 0)) {
    const { codes } = recallOf(output, previewOf(output, { tokens: 700 }).text);
    const what = `${output.name} ${size(output)} (${output.origin}): codes with count and first place in 700`;
    targets.push({ what, figure: shareOf(codes), bound: { least: 1 } });
  }
  for (const output of outputs.filter(isJson)) {
    const { failures } = recallOf(output, previewOf(output, { tokens: 700 }).text);
    const what = `${output.name}, ${size(output)}: keys and lengths in the sketch`;
    targets.push({ what, figure: shareOf(failures), bound: { least: 1 } });
  }
  return targets;
}

const previewLines = [20, 40, 80];

function recallRows(outputs: readonly Output[]) {
  return outputs
    .filter(({ wanted, name }) => wanted !== undefined && !/json/i.test(name))
    .flatMap((output) =>
      previewLines.map((lines) => {
        const ours = previewOf(output, { lines });
        const plain = headAndTail(inlineOf(output), lines);
        return {
          name: `${output.name} ${size(output)} (${output.origin})`,
          lines,
          tokens: ours.tokens,
          ours: recallOf(output, ours.text),
          headTailTokens: plain.tokens,
          headTail: recallOf(output, plain.text),
        };
      }),
    );
}

function headAndTail(content: Buffer, lines: number): Pick<Shown, 'text' | 'tokens'> {
  const all = content.toString('utf8').replace(/\n$/, '').split('\n');
  const text = [...all.slice(0, lines / 2), ...all.slice(-lines / 2)].join('\n');
  return { text, tokens: countTokens(text) };
}

function recallTable(recall: ReturnType<typeof recallRows>): string {
  const share = (part: { seen: number; of: number } | undefined) =>
    part === undefined ? '–' : `${String(part.seen)}/${String(part.of)}`;
  const rows = recall.map((row) => [
    row.name,
    String(row.lines),
    String(row.tokens),
    ...(['failures', 'messages', 'locations', 'codes'] as const).map((kind) => share(row.ours[kind])),
    String(row.headTailTokens),
    ...(['failures', 'messages', 'locations', 'codes'] as const).map((kind) => share(row.headTail[kind])),
  ]);
  const kinds = ['failures', 'messages', 'places', 'codes'];
  return columns([
    ['seen in the preview alone', 'lines', 'tokens', ...kinds, 'head+tail', ...kinds],
    ...rows,
  ]);
}

function savingTable(savings: readonly Saving[]): string {
  const rows = savings.map((row) => [
    `${row.name} (${row.origin})`,
    row.bytes.toLocaleString('en-US'),
    `${row.exact ? '' : '~'}${row.inline.toLocaleString('en-US')}`,
    String(row.reply),
    percent(row.saved),
  ]);
  return columns([['output', 'bytes', 'tokens inline', 'handle + preview', 'saved'], ...rows]);
}

function classTable(savings: readonly Saving[]): string {
  const rows = classesOf(savings).map((row) => [
    row.name,
    String(row.outputs),
    percent(row.median),
    `${percent(row.min)} … ${percent(row.max)}`,
  ]);
  return columns([['saved at', 'outputs', 'median', 'spread'], ...rows]);
}

function targetTable(targets: readonly Target[]): string {
  const rows = targets.map((target) => [
    target.what,
    String(Number(target.figure.toFixed(5))),
    'least' in target.bound ? `≥ ${String(target.bound.least)}` : `≤ ${String(target.bound.most)}`,
    isMet(target) ? 'met' : 'MISSED',
  ]);
  return columns([['target', 'figure', 'bound', ''], ...rows]);
}

function isMet({ figure, bound }: Target): boolean {
  return 'least' in bound ? figure >= bound.least : figure <= bound.most;
}

function percent(share: number): string {
  return `${(share * 100).toFixed(2)} %`;
}

function size(output: Output): string {
  const { length } = inlineOf(output);
  return length < 950_000
    ? `${String(Math.round(length / 1000))} KB`
    : `${String(Math.round(length / 1e6))} MB`;
}
