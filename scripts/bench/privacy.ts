import type { Bench } from '../bench.ts';
import { independent, type Independent } from './privacy/independent.ts';
import type { Label } from './privacy/labelled.ts';
import { score, type Scores } from './privacy/score.ts';
import { hostile, speeds, type Speed } from './privacy/speed.ts';
import { labelledText } from './privacy/texts.ts';
import { columns, short } from './statistics.ts';

/** Least precision and recall of the generated text, by type of value. */
const targets: readonly (readonly [label: Label, precision: number, recall: number])[] = [
  ['EMAIL', 0.995, 0.995],
  ['PHONE', 0.97, 0.97],
  ['SECRET', 0.99, 0.97],
  ['PERSON', 0.99, 0.98],
];
const mostAltered = 0.01;
/** Least recall of secrets in each set that others' rules make. */
const leastOfOthers = 0.9;
/** A hostile text may not be slower than this part of dense text: linear, and of the same order. */
const hostileShare = 1 / 20;
/** Four times the text may take this much more a byte: linear but for what caches hold. */
const mostGrowth = 2;

/** How well and how fast the privacy guard finds what it should, on text made with `--seed N` (default: today's date). */
export async function run(): Promise<Bench> {
  const seed = seedOf(process.argv);
  const scores = score(labelledText(seed, 1_200_000));
  const others = await independent(seed);
  const fast = speeds(seed);
  const slow = hostile(seed);
  const dense = fast.at(-1)?.rate ?? 0;
  const misses = [
    ...missesOf(scores),
    ...missesOfOthers(others),
    ...fast
      .filter((one) => one.rate < (one.least ?? 0))
      .map((one) => `${one.what}: ${short(one.rate)} MB per CPU second`),
    ...slow
      .filter((one) => one.rate < dense * hostileShare)
      .map((one) => `${one.what}: ${short(one.rate)} MB per CPU second`),
    ...slow
      .filter((one) => (one.growth ?? 1) > mostGrowth)
      .map((one) => `${one.what}: ${short(one.growth ?? 1)} times as long a byte in four times the text`),
  ];
  const table = [
    `generated text, seed ${seed}`,
    scoreTable(scores),
    `negatives altered: ${short(scores.altered * 100)} % of ${scores.negatives}`,
    ...scores.examples.slice(0, 12),
    '',
    ...othersTable(others),
    '',
    speedTable([...fast, ...slow], fast[0]?.rate ?? Number.NaN),
    ...misses.map((miss) => `MISSED  ${miss}`),
  ].join('\n');
  const figures = {
    seed,
    generated: scores.types,
    altered: scores.altered,
    speeds: fast,
    hostile: slow,
    misses,
  };
  return { table, pass: misses.length === 0, figures };
}

function seedOf(argv: readonly string[]): number {
  const at = argv.indexOf('--seed');
  const given =
    at === -1 ? Number(new Date().toISOString().slice(0, 10).replaceAll('-', '')) : Number(argv[at + 1]);
  if (!Number.isSafeInteger(given)) throw new RangeError('--seed takes a whole number');
  return given;
}

function missesOf({ types, altered }: Scores): string[] {
  const low = targets.flatMap(([label, precision, recall]) => [
    ...(types[label].precision < precision ? [`${label} precision ${short(types[label].precision)}`] : []),
    ...(types[label].recall < recall ? [`${label} recall ${short(types[label].recall)}`] : []),
  ]);
  return altered > mostAltered ? [...low, `negatives altered ${short(altered)}`] : low;
}

function scoreTable({ types }: Scores): string {
  const rows = Object.entries(types)
    .filter(([, { labels, found }]) => labels + found > 0)
    .map(([type, one]) => [
      type,
      one.precision.toFixed(4),
      one.recall.toFixed(4),
      String(one.labels),
      String(one.found),
    ]);
  return columns([['type', 'precision', 'recall', 'labels', 'found'], ...rows]);
}

function speedTable(rows: readonly Speed[], clean: number): string {
  return columns([
    [
      'text',
      'MB per CPU second',
      'MB/s by the clock',
      'times a bare pipe',
      'times clean text',
      'a byte, of 4 times the text',
      'at least (CPU)',
    ],
    ...rows.map((one) => [
      one.what,
      short(one.rate),
      short(one.wall),
      short(one.ratio),
      short(clean / one.rate),
      one.growth === undefined ? '' : short(one.growth),
      one.least === undefined ? '' : String(one.least),
    ]),
  ]);
}

/** What is asked of text and rules that others wrote. What could not be fetched is no success. */
function missesOfOthers(others: Independent | undefined): string[] {
  if (others === undefined)
    return ['independent sets: not measured, the registry of packages is out of reach'];
  return [
    ...[others.faker, others.authors]
      .map(({ types }) => types.EMAIL)
      .filter(({ precision, recall }) => !(precision >= 0.98 && recall >= 0.98))
      .map(({ precision, recall }) => `independent EMAIL ${short(precision)}/${short(recall)}`),
    ...[{ scanner: 'gitleaks', recall: others.rules.recall }, ...others.scanners]
      .filter(({ recall }) => !(recall >= leastOfOthers))
      .map(({ scanner, recall }) => `SECRET recall of ${scanner}'s rules ${short(recall)}`),
  ];
}

function othersTable(others: Independent | undefined): string[] {
  if (others === undefined)
    return ['independent sets: not measured, the registry of packages is out of reach'];
  const { rules, samples, recall, perRule, worst } = others.rules;
  return [
    "another generator's people (@faker-js/faker, all its locales)",
    scoreTable(others.faker),
    '',
    'authors of public repositories (npm, jquery), in what git prints: log, fuller, raw, shortlog, and columns without a heading',
    scoreTable(others.authors),
    'persons and phone numbers of both are printed, and held to no figure',
    '',
    ...leftOut,
    `secrets made from the ${rules} rules of gitleaks (some detectors were written beside it): ${short(recall)} of ${samples} found, ${short(perRule)} by rule`,
    ...worst.slice(0, 10),
    '',
    `secrets made from other scanners' rules: ${short(pooled(others))} of ${samplesOf(others)} are gone for their own rule (each scanner at least ${leastOfOthers})`,
    columns([
      ['scanner', 'rules', 'samples', 'gone', 'by rule'],
      ...others.scanners.map((one) => [
        one.scanner,
        String(one.rules),
        String(one.samples),
        one.recall.toFixed(3),
        one.perRule.toFixed(3),
      ]),
    ]),
    ...others.scanners.flatMap((one) => one.worst.slice(0, 4)),
  ];
}

/** The same for all sets of rules. */
const leftOut = [
  'left out of each set of rules: ids of accounts and clients; quotes left open; URLs that RFC 3986 does not allow;',
  'samples that the rule itself does not find; the user of user:password; marks that stand in a class by a slip',
  '(a bar beside quotes, a backslash). A rule for as many letters as there may be is given 16 to 40.',
];

const samplesOf = ({ scanners }: Independent): number =>
  scanners.reduce((sum, { samples }) => sum + samples, 0);

/** Every sample counting alike. */
function pooled(others: Independent): number {
  const gone = others.scanners.reduce((sum, { samples, recall }) => sum + samples * recall, 0);
  return gone / samplesOf(others);
}
